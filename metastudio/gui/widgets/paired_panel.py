"""Two chosen runs on the very same episodes: a sentence with its interval, worked out when the person asks."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from metastudio.errors import MetaStudioError
from metastudio.gui import theme
from metastudio.gui.documents.background_task import BackgroundTask
from metastudio.gui.documents.comparison import EPISODES, compared
from metastudio.gui.models.run_rows import RunRow
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import WrappingLabel
from metastudio.gui.widgets.progress_bar import ProgressBar
from metastudio.gui.wording import accuracy_text, count_text
from metastudio.runs.episode_scores import PairedDifference, kept_pair


class PairedPanel(QWidget):
    """Says what is known of the difference of two runs; its button finds it out, and becomes Cancel meanwhile."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pair: tuple[RunRow, RunRow] | None = None
        self._task: BackgroundTask | None = None
        self.text = WrappingLabel("", "quiet")
        self.button = QPushButton()
        self.button.clicked.connect(self._on_clicked)
        self._bar = ProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the comparison"))
        line = QHBoxLayout()
        line.setSpacing(theme.GAP)
        line.addWidget(self.button)
        line.addWidget(self._bar, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.text)
        column.addLayout(line)
        self._show_idle()

    def show_pair(self, first: RunRow, second: RunRow) -> None:
        """Show two runs; what is under way for the same two goes on."""
        before, self._pair = self._pair, (first, second)
        if before is not None and {each.run for each in before} == {first.run, second.run} and self._task is not None:
            return
        self.stop()
        kept = kept_pair(first.run, second.run)
        self.text.setText(self._verdict(kept) if kept is not None else self._not_yet())
        theme.set_role(self.text, "quiet")
        self._show_idle()

    def stop(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.close()
            self._task.deleteLater()
            self._task = None

    @Slot()
    def _on_clicked(self) -> None:
        if self._task is not None:
            self.stop()
            self._show_idle()
            return
        if self._pair is None:
            return
        first, second = (each.run for each in self._pair)
        self._task = BackgroundTask(lambda tell, stop: compared(first, second, tell, stop), self)
        self._task.progressed.connect(self._on_progressed)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self._bar.setRange(0, 0)
        self._bar.show()
        self.button.setIcon(icon("mdi6.close"))
        self.button.setText(self.tr("Cancel"))
        self._task.start()

    @Slot(object)
    def _on_progressed(self, progress: tuple[str, int, int]) -> None:
        _, done, total = progress
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    @Slot(object)
    def _on_succeeded(self, found: PairedDifference) -> None:
        self.stop()
        self.text.setText(self._verdict(found))
        theme.set_role(self.text, "quiet")
        self._show_idle()

    @Slot(object)
    def _on_failed(self, error: Exception) -> None:
        self.stop()
        self.text.setText(f"⚠ {error}")
        theme.set_role(self.text, "warning")
        self._show_idle()
        if not isinstance(error, MetaStudioError):
            raise error  # a bug of ours: shown and written down like every other

    def _show_idle(self) -> None:
        self._bar.hide()
        self.button.setIcon(icon("mdi6.scale-balance"))
        self.button.setText(self.tr("Same episodes"))
        can_ask = self._pair is not None and all(each.run.last() is not None for each in self._pair)
        self.button.setEnabled(can_ask)
        self.button.setToolTip(
            self.tr("Ask both runs the same {count} meta-test episodes, and say how they differ").format(count=EPISODES)
            if can_ask
            else self.tr("Both runs need a checkpoint.")
        )

    def _not_yet(self) -> str:
        return self.tr("Not yet asked the same meta-test episodes.")

    def _verdict(self, found: PairedDifference) -> str:
        """Say which is ahead and by how much, or that they are a tie."""
        assert self._pair is not None  # noqa: S101  # a verdict is about a pair
        first, second = self._pair
        interval = "n/a" if found.ci95 is None else f"{100 * found.ci95:.1f}"
        accuracies = (
            accuracy_text(found.first_accuracy, found.first_ci95),
            accuracy_text(found.second_accuracy, found.second_ci95),
        )
        fields = {"interval": interval, "count": count_text(found.episodes)}
        if found.is_tie:
            return self.tr(
                "A tie on the same {count} meta-test episodes: {first} {first_accuracy}, {second} {second_accuracy}; "
                "their difference of {points} ± {interval} points includes zero."
            ).format(
                first=first.name,
                second=second.name,
                first_accuracy=accuracies[0],
                second_accuracy=accuracies[1],
                points=f"{100 * found.difference:+.1f}",
                **fields,
            )
        ahead, behind = (0, 1) if found.difference > 0 else (1, 0)
        names = (first.name, second.name)
        return self.tr(
            "{ahead} is ahead on the same {count} meta-test episodes: {ahead_accuracy}, {behind} {behind_accuracy}; "
            "by {points} ± {interval} points."
        ).format(
            ahead=names[ahead],
            behind=names[behind],
            ahead_accuracy=accuracies[ahead],
            behind_accuracy=accuracies[behind],
            points=f"{100 * abs(found.difference):.1f}",
            **fields,
        )
