"""The shape of an episode: N, K and Q on sliders, and what training has of its own beside them."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QSlider, QSpinBox, QWidget

from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.gui import theme
from metastudio.gui.forms.wording import translated
from metastudio.gui.widgets.calm_wheel import calm_wheel
from metastudio.gui.widgets.labels import label
from metastudio.gui.widgets.spin_box import spin_box

_SLIDERS = {"n_way": (2, 20), "n_shot": (1, 20), "n_query": (1, 30)}
_LEAST = {"n_way": 2, "n_shot": 1, "n_query": 1}
_MOST = 1000
_SPIN_PX = 68


class ShapePanel(QWidget):
    """Shows an `EpisodeSpec` and tells what the person makes of it.

    Attributes:
        spins: Spin boxes by option: ``n_way``, ``n_shot``, ``n_query``.
        sliders: Sliders of the same values.
        training: Spin boxes of what training has of its own, 0 for the same: ``train_n_way``, ``train_n_query``, and
            ``train_n_shot``, which only some methods have.

    Signals:
        episodes_changed(object): the `EpisodeSpec` that the person wants.
        train_shots_changed(int): how many shots the method should train with.
    """

    episodes_changed = Signal(object)
    train_shots_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = EpisodeSpec()
        self._is_showing = False
        self.spins: dict[str, QSpinBox] = {}
        self.sliders: dict[str, QSlider] = {}
        self.training: dict[str, QSpinBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.GAP)
        grid.setVerticalSpacing(theme.TIGHT)
        grid.setColumnStretch(1, 1)
        heads = (self.tr("at test"), self.tr("in training"))
        for column, head in enumerate(heads, start=2):
            grid.addWidget(label(head, "caption"), 0, column, Qt.AlignmentFlag.AlignBottom)
        titles = {
            "n_way": self.tr("Classes N"),
            "n_shot": self.tr("Examples K"),
            "n_query": self.tr("Questions Q"),
        }
        for row, (name, title) in enumerate(titles.items(), start=1):
            grid.addWidget(label(title), row, 0)
            grid.addWidget(self._make_slider(name, title), row, 1)
            grid.addWidget(self._make_spin(name, title), row, 2)
            grid.addWidget(self._make_training_spin(f"train_{name}", title), row, 3)
        grid.setRowStretch(len(titles) + 1, 1)

    def _make_slider(self, name: str, title: str) -> QSlider:
        slider = self.sliders[name] = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(*_SLIDERS[name])
        slider.setMinimumWidth(56)
        slider.setToolTip(translated(EpisodeSpec.model_fields[name].description))
        slider.setAccessibleName(title)
        calm_wheel(slider)
        return slider

    def _make_spin(self, name: str, title: str) -> QSpinBox:
        spin = self.spins[name] = spin_box(_LEAST[name], _MOST)
        spin.setFixedWidth(_SPIN_PX)
        spin.setToolTip(translated(EpisodeSpec.model_fields[name].description))
        spin.setAccessibleName(title)
        self.sliders[name].valueChanged.connect(spin.setValue)
        spin.valueChanged.connect(self._on_spin_changed)
        return spin

    def _make_training_spin(self, name: str, title: str) -> QSpinBox:
        is_of_the_method = name == "train_n_shot"
        spin = self.training[name] = spin_box(1 if is_of_the_method else 0, _MOST)
        spin.setFixedWidth(_SPIN_PX + 12)
        spin.setAccessibleName(self.tr("{title}, in training").format(title=title))
        if is_of_the_method:
            spin.setToolTip(self.tr("Shots that this method trains with; it has them of its own."))
            spin.valueChanged.connect(self._on_train_shots_changed)
            spin.hide()
        else:
            spin.setSpecialValueText(self.tr("same"))
            spin.setToolTip(translated(EpisodeSpec.model_fields[name].description))
            spin.valueChanged.connect(self._on_spin_changed)
        return spin

    def show_shape(self, spec: EpisodeSpec, *, train_shots: int, is_enabled: bool) -> None:
        """Show a shape; `train_shots` is 0 where the method trains with the same shots as at test."""
        self._spec = spec
        self._is_showing = True
        for name, spin in self.spins.items():
            value, (low, high) = getattr(spec, name), _SLIDERS[name]
            if spin.value() != value:
                spin.setValue(value)
            with QSignalBlocker(self.sliders[name]):
                self.sliders[name].setRange(low, max(high, value))
                self.sliders[name].setValue(value)
        for name, spin in self.training.items():
            value = train_shots if name == "train_n_shot" else getattr(spec, name)
            if spin.value() != value:
                spin.setValue(value)
        self.training["train_n_shot"].setVisible(train_shots > 0)
        self._is_showing = False
        for widget in (*self.spins.values(), *self.sliders.values(), *self.training.values()):
            widget.setEnabled(is_enabled)

    @Slot()
    def _on_spin_changed(self) -> None:
        if self._is_showing:
            return
        ways = self.training["train_n_way"]
        if ways.value() == 1:  # between "same" and the fewest there can be
            with QSignalBlocker(ways):
                ways.setValue(0 if self._spec.train_n_way else 2)
        values = {name: spin.value() for name, spin in self.spins.items()}
        values |= {name: spin.value() for name, spin in self.training.items() if name != "train_n_shot"}
        self.episodes_changed.emit(self._spec.model_copy(update=values))

    @Slot(int)
    def _on_train_shots_changed(self, value: int) -> None:
        if not self._is_showing:
            self.train_shots_changed.emit(value)
