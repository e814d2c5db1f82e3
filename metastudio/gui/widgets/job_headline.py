"""The line about one job: its name, where it stands in numbers, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from metastudio.gui import theme
from metastudio.gui.widgets.icons import icon
from metastudio.gui.widgets.labels import ElidedLabel, label
from metastudio.gui.wording import (
    STATE_ICONS,
    bytes_text,
    capacity_text,
    count_text,
    duration_text,
    job_state_text,
    origin_text,
    state_text,
)
from metastudio.jobs.job import Job
from metastudio.runs.control import Wanted
from metastudio.runs.run_commands import Command
from metastudio.runs.run_state import State

_ICON_PX = 22
_ENDING = {State.PAUSING, State.FINISHING, State.DISCARDING}


class JobHeadline(QWidget):
    """Shows a job; the buttons always say which of the three stops is under way, and force after some seconds.

    Signals:
        action_wanted(str): pause, finish, discard, force, resume, remove, extend, try_it or hand_over.
    """

    action_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QLabel()
        self._picture.setFixedWidth(_ICON_PX)
        self._name = ElidedLabel("", "section")
        self._state = label("", "quiet")
        self._facts = ElidedLabel("", "quiet")
        self._facts.setFont(theme.font(is_tabular=True))
        self.buttons: dict[str, QPushButton] = {}
        texts = {
            "resume": (self.tr("Resume"), "mdi6.play"),
            "pause": (self.tr("Pause"), "mdi6.pause"),
            "finish": (self.tr("Finish now"), "mdi6.flag-checkered"),
            "force": (self.tr("Force"), "mdi6.stop-circle-outline"),
            "discard": (self.tr("Discard"), "mdi6.delete-outline"),
            "extend": (self.tr("Extend…"), "mdi6.arrow-expand-right"),
            "try_it": (self.tr("Try it"), "mdi6.target"),
            "hand_over": (self.tr("Hand over"), "mdi6.package-variant-closed"),
            "remove": (self.tr("Remove from list"), "mdi6.close"),
        }
        self._tips = {
            "resume": self.tr("Goes on exactly where it was."),
            "pause": self.tr("Writes a checkpoint and gives the device back; resumes exactly."),
            "finish": self.tr(
                "Ends at the next safe point with the best so far, then evaluates, adapts and exports as set."
            ),
            "force": self.tr("Ends the worker at once; what came after its last checkpoint is lost."),
            "discard": self.tr("Ends it and puts it into the trash, from where it can be taken back."),
            "extend": self.tr("A new job goes on from its last checkpoint."),
            "remove": self.tr("The run itself stays on the Runs page."),
        }
        first = QHBoxLayout()
        first.setSpacing(theme.GAP)
        first.addWidget(self._name)
        first.addWidget(self._state)
        first.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addLayout(first)
        words.addWidget(self._facts)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GAP)
        line.addWidget(self._picture)
        line.addLayout(words, 1)
        for key, (text, icon_name) in texts.items():
            button = QPushButton(icon(icon_name), text)
            button.setToolTip(self._tips.get(key, ""))
            button.setProperty("key", key)
            button.clicked.connect(self._on_button_clicked)
            if key == "force":
                theme.set_role(button, "danger")
            line.addWidget(button)
            self.buttons[key] = button

    def show_job(self, job: Job, *, is_read_only: bool = False) -> None:
        """Show where a job stands now; in a project that another studio holds, nothing can be asked of it."""
        name, token = STATE_ICONS[job.state]
        self._picture.setPixmap(icon(name, token).pixmap(_ICON_PX, _ICON_PX))
        self._name.setText(job.title)
        is_other_state = job_state_text(job) != self._state.text()
        self._state.setText(job_state_text(job))
        self._facts.setText(self._facts_of(job))
        self.setAccessibleName(f"{job.title}, {job_state_text(job)}, {self._facts.full_text()}")
        shown = self._shown_buttons(job)
        for key, button in self.buttons.items():
            button.setVisible(key in shown)
        for key in self.buttons.keys() - {"pause", "finish", "discard"}:
            self.buttons[key].setEnabled(True)
            self.buttons[key].setToolTip(self._tips.get(key, ""))
        for key in ("pause", "finish", "discard"):
            reason = self._why_not(job, key)
            self.buttons[key].setEnabled(not reason)
            self.buttons[key].setToolTip(reason or self._tips[key])
        if is_read_only:
            for key in shown - {"try_it", "hand_over"}:
                self.buttons[key].setEnabled(False)
                self.buttons[key].setToolTip(self.tr("This project can only be looked at here."))
        self.buttons["pause"].setText(self.tr("Pausing…") if job.wanted is Wanted.PAUSE else self.tr("Pause"))
        self.buttons["finish"].setText(self.tr("Finishing…") if job.wanted is Wanted.FINISH else self.tr("Finish now"))
        self.buttons["discard"].setText(self.tr("Discarding…") if job.wanted is Wanted.DISCARD else self.tr("Discard"))
        if is_other_state:
            self._state.updateGeometry()
            self.layout().activate()  # the state has the width of its new word at once

    def _why_not(self, job: Job, key: str) -> str:
        """Return why a stop is not to be had now; empty where it is."""
        asked = {Wanted.PAUSE: "pause", Wanted.FINISH: "finish", Wanted.DISCARD: "discard"}.get(job.wanted)
        why = job.why_not(Command(key))
        if why is None and asked != key:
            return ""
        if job.state in _ENDING:
            return self.tr("It is already {state}").format(state=state_text(job.state))
        if key == "finish" and job.state is State.PREPARING:
            return self.tr("Nothing is trained yet that could be finished; pause or discard it.")
        return str(why)

    def _shown_buttons(self, job: Job) -> set[str]:
        if job.is_working:
            asked = {Wanted.PAUSE: "pause", Wanted.FINISH: "finish", Wanted.DISCARD: "discard"}.get(job.wanted)
            if asked is None:
                return {"pause", "finish", "discard"}
            return {asked, "force"} if job.can_force else {asked}  # another wish is in the menu
        if job.is_waiting:
            return {"resume", "discard"} if job.wanted is Wanted.FINISH else {"discard"}  # held: from the banner
        if job.state is State.FINISHED:
            return {"extend", "try_it", "hand_over", "remove"}
        if not job.can_resume:
            return {"remove"}
        is_in_banner = job.state is not State.PAUSED or job.curves.failure is not None
        finish = set() if self._why_not(job, "finish") else {"finish"}
        return {"discard", "remove"} | finish | (set() if is_in_banner else {"resume"})

    def _facts_of(self, job: Job) -> str:
        facts = []
        step, phase = job.curves.last_step, job.curves.phase
        if phase is not None and job.is_working:
            far = f" {count_text(phase.done)} / {count_text(phase.total)}" if phase.total else ""
            facts.append(f"{phase.phase}{far}")
        elif job.state is State.PREPARING:
            facts.append(self.tr("starting the worker…"))
        elif job.iteration or job.is_working:
            facts.append(
                self.tr("iteration {done} / {all}").format(
                    done=count_text(job.iteration), all=count_text(job.iterations)
                )
            )
        if step is not None and job.is_working:
            facts.append(self.tr("{rate} tasks/s").format(rate=f"{step.tasks_per_s:.3g}"))
            if (capacity := job.curves.capacity) is not None:
                facts.append(capacity_text(capacity, step.tasks_per_s))
            if (left := job.seconds_left()) is not None:
                facts.append(self.tr("{time} left").format(time=duration_text(left)))
            facts.append(bytes_text(step.memory_bytes))
        elif step is not None:
            facts.append(self.tr("trained for {time}").format(time=duration_text(step.elapsed_s)))
        facts.append(job.device)
        if not job.is_working:
            episodes = job.experiment.episodes
            facts.append(self.tr("{n}-way {k}-shot").format(n=episodes.n_way, k=episodes.n_shot))
        if job.origin is not None:
            facts.append(origin_text(job.origin))
        return "  ·  ".join(facts)

    @Slot()
    def _on_button_clicked(self) -> None:
        self.action_wanted.emit(self.sender().property("key"))
