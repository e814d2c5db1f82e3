"""Archives: looked at in full before anything is written, refused as a whole, unpacked as a whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import sys
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metastudio.errors import DataError, ResourceError
from metastudio.images import archive_contents, archives, new_folder
from metastudio.images.archives import is_archive_name, look_into, stem_of, unpack
from metastudio.images.entry_names import components_of, fault_of
from metastudio.images.problems import Cancelled

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="byte names are POSIX")

GOOD = {"oak/1.png": b"one", "oak/2.jpg": b"two", "beech/1.png": b"three"}


def make_zip(path: Path, files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes], *, mode: str = "w", extra: Iterable[tarfile.TarInfo] = ()) -> Path:
    with tarfile.open(path, mode, encoding="utf-8", errors="surrogateescape") as made:  # type: ignore[call-overload]
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            made.addfile(about, io.BytesIO(content))
        for each in extra:
            made.addfile(each)
    return path


def files_below(folder: Path) -> dict[str, bytes]:
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def reasons(error: DataError) -> list[str]:
    return [each.code for each in error.problems]


def refused(archive: Path) -> DataError:
    """Unpack what must be refused, and return why; nothing may be there afterwards."""
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(DataError) as caught:
        unpack(archive, archive.parent / "target")
    assert sorted(archive.parent.rglob("*")) == before, "refused, so nothing is written"
    return caught.value


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.zip", make_zip),
        ("a.tar", make_tar),
        ("a.tar.gz", lambda path, files: make_tar(path, files, mode="w:gz")),
        ("a.tgz", lambda path, files: make_tar(path, files, mode="w:gz")),
        ("a.tar.bz2", lambda path, files: make_tar(path, files, mode="w:bz2")),
        ("a.tar.xz", lambda path, files: make_tar(path, files, mode="w:xz")),
        ("a.zip", lambda path, files: make_zip(path, files, method=zipfile.ZIP_LZMA)),
        ("called-zip.zip", lambda path, files: make_tar(path, files, mode="w:gz")),
    ],
)
def test_every_kind_is_unpacked_told_by_its_content(
    tmp_path: Path, name: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make(tmp_path / name, GOOD)

    contents = unpack(archive, tmp_path / "new" / "target")

    assert files_below(tmp_path / "new") == {f"target/{each}": content for each, content in GOOD.items()}
    assert (contents.pictures, contents.lists, contents.size_bytes) == (3, 0, 11)
    assert look_into(archive) == contents


def test_names_say_what_may_be_dropped() -> None:
    assert all(is_archive_name(each) for each in ("a.ZIP", "b.tar.gz", "c.tgz", "d.tar", "e.rar", "f.z01"))
    assert not any(is_archive_name(each) for each in ("a.png", "zip", "b.gz", "notes.txt"))
    assert [stem_of(each) for each in ("leaves.tar.gz", "My Leaves.ZIP", ".zip")] == ["leaves", "My Leaves", "archive"]


def test_only_pictures_and_lists_are_taken_and_the_rest_is_counted(tmp_path: Path) -> None:
    others = {"oak/notes.doc": b"x", "run.exe": b"x", "LICENSE": b"x"}
    litter = {"__MACOSX/oak/._1.png": b"x", "oak/.DS_Store": b"x", ".git/HEAD.png": b"x", "oak/Thumbs.db": b"x"}
    lists = {"train.csv": b"x", "split/val.json": b"[]", "classes.txt": b"oak"}
    archive = make_zip(tmp_path / "a.zip", {**GOOD, **others, **litter, **lists})

    contents = unpack(archive, tmp_path / "target")

    assert files_below(tmp_path / "target") == {**GOOD, **lists}
    assert (contents.pictures, contents.lists, contents.litter, contents.others) == (3, 3, 4, 3)
    assert [each.code for each in contents.notes()] == ["archive-litter", "archive-others"]


def test_pictures_that_are_refused_later_with_a_reason_are_taken_too(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {**GOOD, "oak/3.heic": b"x"})

    assert "oak/3.heic" in (unpack(archive, tmp_path / "target"), files_below(tmp_path / "target"))[1]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"leaves/oak/1.png": b"x", "leaves/beech/1.png": b"y"}, ["beech/1.png", "oak/1.png"]),
        ({"leaves/oak/1.png": b"x", "leaves/list.csv": b"y"}, ["list.csv", "oak/1.png"]),
        ({"leaves/1.png": b"x", "leaves/2.png": b"y"}, ["leaves/1.png", "leaves/2.png"]),
        ({"leaves/oak/1.png": b"x", "extra/1.png": b"y"}, ["extra/1.png", "leaves/oak/1.png"]),
        ({"leaves/oak/1.png": b"x", "1.png": b"y"}, ["1.png", "leaves/oak/1.png"]),
    ],
)
def test_one_folder_around_everything_is_left_away_unless_it_is_a_class(
    tmp_path: Path, files: dict[str, bytes], expected: list[str]
) -> None:
    unpack(make_zip(tmp_path / "a.zip", files), tmp_path / "target")

    assert sorted(files_below(tmp_path / "target")) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.png", "archive-paths"),
        ("oak/../../evil.png", "archive-paths"),
        ("oak\\..\\..\\evil.png", "archive-paths"),
        ("/etc/evil.png", "archive-absolute"),
        ("\\\\server\\share\\evil.png", "archive-absolute"),
        ("C:\\evil.png", "archive-paths"),
        ("c:evil.png", "archive-paths"),
        ("oak/e\nvil.png", "archive-names"),
        ("oak/" + "e" * 300 + ".png", "archive-names"),
        ("/".join(["deep"] * 50) + "/evil.png", "archive-names"),
        ("../notes.doc", "archive-paths"),
    ],
)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_name_that_leads_elsewhere_refuses_the_whole_archive(
    tmp_path: Path, name: str, reason: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    error = refused(make(tmp_path / "a.zip", {**GOOD, name: b"evil"}))

    assert reasons(error) == [reason]
    assert name[-7:] in str(error).replace("\\n", "\n")


def test_every_reason_is_said_at_once(tmp_path: Path) -> None:
    link = tarfile.TarInfo("oak/link.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device = tarfile.TarInfo("oak/device.png")
    device.type = tarfile.CHRTYPE
    files = {**GOOD, "../a.png": b"", "../b.png": b"", "/c.png": b"", "OAK/1.PNG": b""}

    error = refused(make_tar(tmp_path / "a.tar", files, extra=[link, device]))

    assert sorted(reasons(error)) == [
        "archive-absolute",
        "archive-devices",
        "archive-links",
        "archive-names",
        "archive-paths",
    ]
    assert "../a.png, ../b.png" in str(error)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"]
)
def test_links_and_devices_in_a_tar_refuse_it(tmp_path: Path, kind: bytes) -> None:
    odd = tarfile.TarInfo("oak/odd.png")
    odd.type, odd.linkname = kind, "1.png"

    assert reasons(refused(make_tar(tmp_path / "a.tar", GOOD, extra=[odd]))) == [
        "archive-links" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "archive-devices"
    ]


@pytest.mark.parametrize(
    ("kind", "reason"), [(stat.S_IFLNK, "links"), (stat.S_IFIFO, "devices"), (stat.S_IFCHR, "devices")]
)
def test_links_and_devices_in_a_zip_refuse_it(tmp_path: Path, kind: int, reason: str) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(archive, "a") as made:
        odd = zipfile.ZipInfo("oak/odd.png")
        odd.external_attr = (kind | 0o777) << 16
        made.writestr(odd, "/etc/passwd")

    assert reasons(refused(archive)) == [f"archive-{reason}"]


@pytest.mark.parametrize(
    "clashing",
    [
        {"Oak/1.png": b"x"},
        {"oak/1.PNG": b"x"},
        {"caf\u00e9.png": b"x", "cafe\u0301.png": b"y"},
        {"oak/1.png/2.png": b"x"},
        {"./oak//1.png": b"x"},
        {"stra\u00dfe.png": b"x", "STRASSE.png": b"y"},
    ],
)
def test_two_entries_that_some_systems_hold_for_one_file_are_refused(
    tmp_path: Path, clashing: dict[str, bytes]
) -> None:
    assert reasons(refused(make_tar(tmp_path / "a.tar", {**GOOD, **clashing}))) == ["archive-names"]


def test_classes_that_differ_in_case_are_no_clash(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar", {"oak/1.png": b"x", "Oak/2.png": b"y"})

    assert unpack(archive, tmp_path / "target").pictures == 2


def test_swelling_archives_are_refused_before_they_swell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_contents, "HARMLESS_BYTES", 1 << 20)
    zeros = bytes(4 << 20)
    for archive in (
        make_zip(tmp_path / "a.zip", {**GOOD, "oak/zeros.png": zeros}),
        make_tar(tmp_path / "a.tar.gz", {**GOOD, "oak/zeros.png": zeros}, mode="w:gz"),
        make_tar(tmp_path / "a.tar.xz", {"notes.doc": zeros, **GOOD}, mode="w:xz"),
    ):
        assert reasons(refused(archive))[0] == "archive-bomb"


def test_a_tar_that_promises_more_than_any_disk_has_is_refused_at_once(tmp_path: Path) -> None:
    about = tarfile.TarInfo("oak/large.png")
    about.size = 1 << 50
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(about.tobuf(tarfile.GNU_FORMAT)))

    assert reasons(refused(tmp_path / "a.tar.gz")) == ["archive-bomb"]


def test_a_tar_whose_header_swells_is_refused_without_being_held_in_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))

    assert reasons(refused(tmp_path / "a.tar.gz")) == ["archive-bomb"]


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_contents, "MOST_ENTRIES", 5)
    many = {f"oak/{number}.png": b"" for number in range(6)}

    for archive in (make_zip(tmp_path / "a.zip", many), make_tar(tmp_path / "a.tar.xz", many, mode="w:xz")):
        assert reasons(refused(archive)) == ["archive-bomb"]


def test_files_larger_than_any_picture_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_contents, "LARGEST_ENTRY_BYTES", 4)

    assert reasons(refused(make_zip(tmp_path / "a.zip", GOOD))) == ["archive-files"]


def test_entries_that_lie_over_one_another_are_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"1.png": os.urandom(5000), "2.png": b"x"})
    content = bytearray(archive.read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 20 : first + 24] = struct.pack("<I", 50_000)  # its packed size
    archive.write_bytes(content)

    assert reasons(refused(archive)) == ["archive-bomb"]


def test_an_encrypted_zip_is_refused_with_the_names(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    content = bytearray(archive.read_bytes())
    for magic, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(magic) + place] |= 1
    archive.write_bytes(content)

    error = refused(archive)
    assert reasons(error) == ["archive-encrypted"]
    assert "oak/1.png" in str(error)


def test_packing_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = 9  # deflate64
    archive.write_bytes(content)

    assert reasons(refused(archive)) == ["archive-entries"]


@pytest.mark.parametrize("name", ["a.rar", "a.7z", "a.z01", "a.zip.001"])
def test_other_kinds_and_parts_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")

    assert "are not read here" in str(refused(tmp_path / name))


def test_the_last_part_of_a_split_zip_is_named(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    content = bytearray(archive.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 4 : end + 8] = struct.pack("<HH", 2, 1)
    archive.write_bytes(content[40:])

    assert "several-part zip" in str(refused(archive))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(60), b"Rar!\x1a\x07", bytes(2000), b"x" * 3000])
def test_what_is_no_archive_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)

    refused(tmp_path / "a.zip")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_that_was_cut_short_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    whole = make_tar(tmp_path / "whole.tar", GOOD).read_bytes()
    (tmp_path / "whole.tar").unlink()
    for end in (700, 1024, 1500, 2048):
        (tmp_path / "a.tar").write_bytes(pack(whole[:end]))
        refused(tmp_path / "a.tar")
    packed = pack(whole.rstrip(b"\0"))
    (tmp_path / "a.tar").write_bytes(packed[: len(packed) * 2 // 3])
    refused(tmp_path / "a.tar")


def test_a_spoilt_header_in_the_middle_is_not_taken_for_the_end(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar", GOOD)
    content = bytearray(archive.read_bytes())
    content[1024 + 150] ^= 0xFF  # the checksum of the second entry
    archive.write_bytes(content)

    assert "damaged" in str(refused(archive))


def test_a_bit_flipped_in_a_zip_leaves_nothing_behind(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {**GOOD, "z/late.png": b"late" * 50}, method=zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[content.index(b"latelate")] ^= 1
    archive.write_bytes(content)

    assert "damaged" in str(refused(archive))


def test_a_zip_whose_header_lies_about_the_size_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"oak/1.png": bytes(5000)})
    content = bytearray(archive.read_bytes())
    first = content.index(b"PK\x01\x02")
    for size in (10, 6000):
        content[first + 24 : first + 28] = struct.pack("<I", size)
        archive.write_bytes(content)
        assert "damaged" in str(refused(archive))


def test_no_room_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(tmp_path / "a.zip", {"oak/1.png": bytes(5000)})
    monkeypatch.setattr(new_folder.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100}))

    with pytest.raises(ResourceError, match="Free 1 MB"):
        unpack(archive, tmp_path / "new" / "target")
    assert sorted(tmp_path.iterdir()) == [archive]


def test_a_disk_that_fails_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    real, made = new_folder.new_file, []

    def fail(path: Path) -> int:
        made.append(path)
        if len(made) == 3:
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(archives, "new_file", fail)
    with pytest.raises(ResourceError, match="No space left"):
        unpack(archive, tmp_path / "target")
    assert sorted(tmp_path.iterdir()) == [archive]


def test_what_is_there_already_is_never_touched(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "mine.png").write_bytes(b"mine")

    with pytest.raises(ResourceError, match="already there"):
        unpack(archive, tmp_path / "target")
    assert files_below(tmp_path / "target") == {"mine.png": b"mine"}


@pytest.mark.parametrize("after", [0, 3, 5, 7])
def test_it_can_be_stopped_at_any_time_and_leaves_nothing(tmp_path: Path, after: int) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    asked = []

    def stop() -> bool:
        asked.append(0)
        return len(asked) > after

    if after < 6:  # three looks and three pieces
        with pytest.raises(Cancelled):
            unpack(archive, tmp_path / "target", should_stop=stop)
        assert sorted(tmp_path.iterdir()) == [archive]
    else:
        unpack(archive, tmp_path / "target", should_stop=stop)


def test_it_tells_how_far_it_is(tmp_path: Path) -> None:
    many = {f"oak/{number}.png": b"x" for number in range(250)}
    told: list[tuple[int, int]] = []

    unpack(make_tar(tmp_path / "a.tar", many), tmp_path / "target", on_progress=lambda *each: told.append(each))

    assert told == [(0, 0), (100, 0), (200, 0), (100, 250), (200, 250), (250, 250)]


def test_an_archive_without_pictures_is_refused(tmp_path: Path) -> None:
    assert "No pictures" in str(refused(make_zip(tmp_path / "a.zip", {"notes.txt": b"x", "x.doc": b"y"})))


def test_what_was_left_of_a_day_ago_is_swept(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", GOOD)
    for name, age in ((".unpacking-old", 100_000), (".unpacking-new", 10)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (tmp_path.stat().st_mtime - age,) * 2)

    unpack(archive, tmp_path / "target")

    assert sorted(each.name for each in tmp_path.iterdir()) == [".unpacking-new", "a.zip", "target"]


def test_names_in_utf8_that_do_not_say_so_are_read_as_they_are_meant(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"caf\u00e9/1.png": b"x"})
    content = archive.read_bytes()
    for magic, place in ((b"PK\x01\x02", 9), (b"PK\x03\x04", 7)):
        flags = content.index(magic) + place
        content = content[:flags] + bytes([content[flags] & ~0x08]) + content[flags + 1 :]
    archive.write_bytes(content)

    contents = unpack(archive, tmp_path / "target")

    assert list(files_below(tmp_path / "target")) == ["caf\u00e9/1.png"]
    assert contents.guessed_names == 0


def test_names_in_an_unknown_encoding_are_taken_and_said(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"caf\u00e9/1.png": b"x"})
    content = archive.read_bytes().replace("\u00e9".encode(), b"\xe9\xe9")
    for magic, place in ((b"PK\x01\x02", 9), (b"PK\x03\x04", 7)):
        flags = content.index(magic) + place
        content = content[:flags] + bytes([content[flags] & ~0x08]) + content[flags + 1 :]
    archive.write_bytes(content)

    contents = unpack(archive, tmp_path / "target")

    assert len(files_below(tmp_path / "target")) == 1
    assert [each.code for each in contents.notes()] == ["archive-names"]


@posix_only
def test_byte_names_in_a_tar_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9/\xff.png")

    unpack(make_tar(tmp_path / "a.tar", {name: b"x"}), tmp_path / "target")

    assert (tmp_path / "target" / name).read_bytes() == b"x"


@pytest.mark.parametrize("name", ["con.png", "oak/NUL", "ab:c.png", "oak./1.png", "what?.png", "oak /1.png", "lpt1"])
def test_names_that_windows_does_not_allow_are_refused_there_only(name: str) -> None:
    assert fault_of(name, on_windows=True) == "Names that Windows does not allow"
    assert not fault_of(name, on_windows=False)


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("pipes in folders are POSIX")
    os.mkfifo(tmp_path / "a.zip")

    refused(tmp_path / "a.zip")


_components = st.one_of(
    st.sampled_from(["..", ".", "", "oak", "OAK", "1.png", "1.PNG", "x.jpg", "C:", "__MACOSX", ".hidden.png", "a.csv"]),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=6).map(lambda text: text.replace("/", "")),
)
_names = st.builds(
    lambda prefix, parts, slash: prefix + slash.join(parts),
    st.sampled_from(["", "", "", "/", "\\", "//", "C:\\", "./", "../"]),
    st.lists(_components, min_size=1, max_size=4),
    st.sampled_from(["/", "/", "/", "\\"]),
)


@settings(max_examples=120, deadline=None)
@given(names=st.lists(_names, min_size=1, max_size=5), is_zip=st.booleans(), links=st.sets(st.integers(0, 4)))
@example(names=["../../evil.png"], is_zip=False, links=set())
@example(names=["oak/1.png", "oak"], is_zip=True, links=set())
def test_whatever_the_names_nothing_is_written_outside_the_target(
    names: list[str], is_zip: bool, links: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        inner = room / "a" / "b" / "c"
        inner.mkdir(parents=True)
        archive = inner / "archive"
        _make_odd(archive, names, is_zip, links)
        before = {each: each.stat().st_mtime_ns for each in room.rglob("*") if each.is_file()}
        try:
            contents = unpack(archive, inner / "target")
        except (DataError, ResourceError):
            assert list(inner.iterdir()) == [archive]
        else:
            found = list((inner / "target").rglob("*"))
            assert not any(each.is_symlink() for each in found)
            files = [each for each in found if each.is_file()]
            assert len(files) == contents.pictures + contents.lists
            assert all(components_of(name) and ".." not in components_of(name) for name in names)
            assert sorted(inner.iterdir()) == [archive, inner / "target"]
        outside = {each for each in room.rglob("*") if each.is_file() and not each.is_relative_to(inner / "target")}
        assert {each: each.stat().st_mtime_ns for each in outside} == before


def _make_odd(archive: Path, names: list[str], is_zip: bool, links: set[int]) -> None:
    if is_zip:
        with zipfile.ZipFile(archive, "w") as made, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same name twice is what shall be tested
            for number, name in enumerate(names):
                about = zipfile.ZipInfo("x")
                about.filename = name
                about.external_attr = (stat.S_IFLNK << 16) if number in links else 0
                made.writestr(about, b"content")
        return
    with tarfile.open(archive, "w", encoding="utf-8", errors="surrogateescape") as made:
        for number, name in enumerate(names):
            about = tarfile.TarInfo(name)
            if number in links:
                about.type, about.linkname = tarfile.SYMTYPE, "../../../outside"
                made.addfile(about)
            else:
                about.size = 7
                made.addfile(about, io.BytesIO(b"content"))


_WHOLE: dict[str, bytes] = {}


def _whole(kind: str) -> bytes:
    if not _WHOLE:
        with tempfile.TemporaryDirectory() as folder:
            files = {**GOOD, "beech/noise.png": bytes(range(256)) * 3}
            for name, mode in (("tar", "w"), ("gz", "w:gz"), ("bz2", "w:bz2"), ("xz", "w:xz")):
                _WHOLE[name] = make_tar(Path(folder) / name, files, mode=mode).read_bytes()
            _WHOLE["zip"] = make_zip(Path(folder) / "zip", files).read_bytes()
    return _WHOLE[kind]


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["zip", "tar", "gz", "bz2", "xz"]),
    place=st.floats(0, 1, exclude_max=True),
    spoil=st.binary(min_size=1, max_size=8),
    cut=st.booleans(),
)
def test_a_spoilt_archive_is_refused_or_whole_and_never_half(kind: str, place: float, spoil: bytes, cut: bool) -> None:
    content = bytearray(_whole(kind))
    start = int(place * len(content))
    if cut:
        del content[start:]
    else:
        content[start : start + len(spoil)] = spoil
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        archive.write_bytes(content)
        contents: Any = None
        try:
            contents = unpack(archive, Path(folder) / "target")
        except DataError:
            assert list(Path(folder).iterdir()) == [archive]
        if contents is not None:
            assert len(files_below(Path(folder) / "target")) == contents.pictures + contents.lists
