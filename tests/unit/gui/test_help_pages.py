"""Help: every method has a page that says what the catalogue says, and its links lead somewhere."""

from __future__ import annotations

import re

import pytest

from metastudio.catalog.entry import Entry
from metastudio.catalog.menu import ALGORITHMS
from metastudio.catalog.options import options_of
from metastudio.gui.dialogs.help_dialog import HelpDialog, method_page
from metastudio.paths import resources_folder

METHODS = pytest.mark.parametrize("entry", ALGORITHMS.values(), ids=lambda entry: entry.name)


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


@METHODS
def test_every_method_has_a_page_with_its_paper_and_its_present_settings(entry: Entry) -> None:
    text = method_page(entry.name).read_text(encoding="utf-8")
    assert text.startswith(f"# {entry.title}\n\n{entry.summary}\n")
    assert entry.paper.identifier in text
    assert entry.paper.title in text
    for option in options_of(entry.config_type):
        default = _shown(option.default)
        unit = option.unit.removesuffix("s") if default == "1" else option.unit
        row = f"| {option.title} | {default} {unit}".rstrip() + " |"
        assert row in text
        assert option.help in text


@METHODS
def test_links_of_help_pages_lead_to_pages(entry: Entry) -> None:
    page = method_page(entry.name)
    links = re.findall(r"\]\(([^)]+\.md)\)", page.read_text(encoding="utf-8"))
    assert links
    assert all((page.parent / link).is_file() for link in links)


def test_the_glossary_explains_the_words_of_the_window() -> None:
    text = (resources_folder() / "help" / "glossary.md").read_text(encoding="utf-8")
    for word in ("Support", "Query", "Inner loop", "Checkpoint", "Transductive", "Meta-train"):
        assert f"**{word}" in text


def test_the_first_page_is_there_and_leads_to_every_method_and_to_the_words(qtbot) -> None:
    page = resources_folder() / "help" / "index.md"
    links = re.findall(r"\]\(([^)]+\.md)\)", page.read_text(encoding="utf-8"))
    assert {f"methods/{name}.md" for name in ALGORITHMS} <= set(links)
    assert {"glossary.md", "measurements.md", "architecture.md"} <= set(links)
    assert all((page.parent / link).is_file() for link in links)
    dialog = HelpDialog(page, "Help")
    qtbot.addWidget(dialog)
    assert "Getting started" in dialog.browser.toPlainText()


def test_a_page_is_shown_and_its_links_are_followed(qtbot) -> None:
    dialog = HelpDialog(method_page("fomaml"), "First-order MAML")
    qtbot.addWidget(dialog)
    dialog.show()
    assert "In plain words" in dialog.browser.toPlainText() or "in plain words" in dialog.browser.toPlainText()
    dialog.browser.setSource(dialog.browser.source().resolved("maml.md"))
    assert "exact here" in dialog.browser.toPlainText()
