"""Where to compute: the CPU from the first moment, other devices when the worker side has looked for them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QHBoxLayout,
    QRadioButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from metastudio.catalog.device_name import parse_device
from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel, label
from metastudio.runs.questions import Device

AUTO = "auto"
CPU = "cpu"
_INDENT_PX = 24


class DevicePicker(QWidget):
    """One device of those that are there.

    Signals:
        device_picked(object): the device's name as the experiment has it, chosen by a person.
        refresh_wanted(): the person wants to look again.
    """

    device_picked = Signal(object)
    refresh_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self._on_button_clicked)
        self._rows: list[QWidget] = []
        self._devices: tuple[Device, ...] = ()
        self._chosen = AUTO
        self._state = WrappingLabel("", "caption")
        self._refresh = QToolButton()
        self._refresh.setIcon(icon("mdi6.refresh", "quiet"))
        self._refresh.setToolTip(self.tr("Look for devices again"))
        self._refresh.setAccessibleName(self._refresh.toolTip())
        self._refresh.clicked.connect(self._on_refresh_clicked)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.TIGHT)
        head = QHBoxLayout()
        head.addWidget(label(self.tr("Device"), "section"), 1)
        head.addWidget(self._refresh)
        self._column.addLayout(head)
        self._column.addWidget(self._state)
        self.setAccessibleName(self.tr("Device"))
        self.set_searching()

    @property
    def names(self) -> tuple[str, ...]:
        """The devices that are shown, in their order; those that cannot be chosen are grey, and say why."""
        return tuple(str(button.property("device")) for button in self._group.buttons())

    def device(self) -> str:
        """Return the chosen device's name."""
        return self._chosen

    def set_device(self, name: str) -> None:
        """Show which one is chosen; one that is not there any more is shown as missing."""
        self._chosen = name
        self._rebuild()

    def set_devices(self, devices: Iterable[Device]) -> None:
        """Show what was found; the choice stays."""
        self._devices = tuple(devices)
        self._state.hide()
        self._rebuild()

    def set_searching(self) -> None:
        """Show the CPU and say that others are looked for."""
        if not self._devices:
            self._devices = (Device(name=CPU, title=self.tr("This computer's processor"), free_bytes=0),)
        self._state.setText(self.tr("Looking for other devices…"))
        self._state.show()
        self._rebuild()

    def set_failed(self, sentence: str) -> None:
        """Say why nobody answered; the CPU works all the same."""
        self._state.setText(self.tr("The processor always works. {reason}").format(reason=sentence))
        self._state.show()

    def _rebuild(self) -> None:
        for row in self._rows:
            self._column.removeWidget(row)
            row.setParent(None)
            row.deleteLater()
        self._rows = []
        for button in self._group.buttons():
            self._group.removeButton(button)
        recommended = next((each for each in self._devices if each.is_recommended), None)
        chosen_first = self.tr("uses {device}").format(device=recommended.title) if recommended else ""
        self._add_row(AUTO, self.tr("Automatic"), chosen_first)
        for device in self._devices:
            self._add_row(
                device.name,
                device.title,
                _facts(self, device),
                is_recommended=device.is_recommended,
                is_usable=device.is_usable,
            )
        if self._chosen not in self.names:
            self._add_row(self._chosen, self._chosen, self._about_unlisted(self._chosen))

    def _about_unlisted(self, name: str) -> str:
        """Return what there is to say about a device that nobody offers: one that is gone, or the CPU shared."""
        device = parse_device(name)
        if device is not None and device.kind == CPU:
            return self.tr("{count} processes share the tasks of every step").format(count=device.processes)
        return self.tr("not found on this computer")

    def _add_row(
        self, name: str, title: str, facts: str, *, is_recommended: bool = False, is_usable: bool = True
    ) -> None:
        row = QWidget()
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        about = QVBoxLayout()
        about.setSpacing(0)
        button = QRadioButton(title)
        button.setProperty("device", name)
        button.setChecked(name == self._chosen)
        button.setEnabled(is_usable or name == self._chosen)
        spoken = [title, facts, self.tr("recommended") if is_recommended else ""]
        button.setAccessibleName(", ".join(filter(None, spoken)))
        self._group.addButton(button)
        column.addWidget(button)
        about.setContentsMargins(_INDENT_PX, 0, 0, 0)
        if is_recommended:
            about.addWidget(label("✓ " + self.tr("recommended"), "good"))
        if facts:
            about.addWidget(WrappingLabel(facts, "caption"))
        column.addLayout(about)
        self._rows.append(row)
        self._column.addWidget(row)

    @Slot(QAbstractButton)
    def _on_button_clicked(self, button: QAbstractButton) -> None:
        self._chosen = str(button.property("device"))
        self.device_picked.emit(self._chosen)

    @Slot()
    def _on_refresh_clicked(self) -> None:
        self.refresh_wanted.emit()


def _facts(picker: DevicePicker, device: Device) -> str:
    free = picker.tr("{size} free").format(size=in_bytes(device.free_bytes)) if device.free_bytes > 0 else ""
    return " · ".join(filter(None, (free, device.note)))


def in_bytes(size: int) -> str:
    """Return a size as people read it: "412 MB", "7.4 GB"."""
    number = float(size)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
