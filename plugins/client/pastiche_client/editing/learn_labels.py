"""The words of “Learn this layer's style”."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pastiche_client.trainings import TrainingState

if TYPE_CHECKING:
    from pastiche_client.editing.told import Translate
    from pastiche_client.trainings import Training

_MINUTE = 60.0


class LearnLabels:
    """Labels, and `_tip`s that explain them, in the user's language."""

    _tr: Translate

    @property
    def learn_menu_entry(self) -> str:
        return self._tr("Learn This Layer's Style…")

    @property
    def learn_title(self) -> str:
        return self._tr("Learn this layer's style")

    @property
    def learn_blurb(self) -> str:
        return self._tr("Learn the style of a layer, to stylize other layers with it in seconds")

    @property
    def learn_help(self) -> str:
        return self._tr(
            "Learns the style of the selected layer in some minutes and installs it as a style "
            "pack of its own. A selection limits what is looked at. The work is done by Pastiche's "
            "daemon on this computer, and goes on when the image or the editor is closed."
        )

    @property
    def learn(self) -> str:
        return self._tr("Learn")

    @property
    def learn_tip(self) -> str:
        return self._tr(
            "Learn the style of the selected layer; it goes on when the image or the editor is "
            "closed"
        )

    @property
    def learn_name(self) -> str:
        return self._tr("Name")

    @property
    def learn_name_tip(self) -> str:
        return self._tr("What the style is going to be called in the list of styles")

    @property
    def learn_minutes(self) -> str:
        return self._tr("Time")

    @property
    def learn_minutes_tip(self) -> str:
        return self._tr("How long to learn, in minutes; ten are enough for most styles")

    @property
    def minutes_suffix(self) -> str:
        """Behind a number, with the space before it."""
        return self._tr(" min")

    @property
    def learn_sample_tip(self) -> str:
        return self._tr("A photograph in the style, as far as it is learned")

    @property
    def trainings(self) -> str:
        return self._tr("Styles that are being learned")

    @property
    def finish_training(self) -> str:
        return self._tr("Finish now")

    @property
    def finish_training_tip(self) -> str:
        return self._tr("End the learning, and install the style as it stands")

    @property
    def cancel_training_tip(self) -> str:
        return self._tr("End the learning; no style is installed")

    @property
    def forget_training(self) -> str:
        return self._tr("Remove")

    @property
    def forget_training_tip(self) -> str:
        return self._tr("Take it off the list")

    @property
    def resume_training_tip(self) -> str:
        return self._tr("Go on where it failed")

    def training_status(self, training: Training) -> str:
        """How far a training is, for a progress bar. Of one that failed only that it did."""
        return {
            TrainingState.PREPARING: self._tr("Getting ready…"),
            TrainingState.RUNNING: self._running(training),
            TrainingState.INSTALLING: self._tr("Installing the style…"),
            TrainingState.DONE: self._tr("Learned; the style is in the list of styles"),
            TrainingState.FAILED: self._tr("failed"),
            TrainingState.CANCELLED: self._tr("cancelled"),
        }.get(training.state, self._tr("waiting"))

    def learned(self, style: str) -> str:
        """What is told once, when a style was learned."""
        return self._tr("The style “{style}” was learned. It is in the list of styles.").format(
            style=style
        )

    def _running(self, training: Training) -> str:
        if not training.steps:
            return self._tr("Getting ready…")
        now = self._tr("Step {step} of {steps}").format(step=training.step, steps=training.steps)
        if training.seconds_left is None:
            return now
        left = self._time_left(training.seconds_left)
        return self._tr("{now}, {left}").format(now=now, left=left)

    def _time_left(self, seconds: float) -> str:
        if seconds < _MINUTE:
            return self._tr("less than a minute left")
        return self._tr("about {minutes} min left").format(minutes=math.ceil(seconds / _MINUTE))
