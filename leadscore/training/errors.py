"""Why there is no new model. Kept apart so that a command can catch them before it loads a library."""

from typing import NamedTuple


class TrainingError(ValueError):
    """The leads or the options cannot be trained on; the message says what is wrong and where."""


class RefusedError(RuntimeError):
    """There is a model, and it must not be published; the message says why, a reason to a line."""


class Alarm(NamedTuple):
    """What a training is to be distrusted for: a sentence or two.

    `refused`: the model must not be published for it, unless it is `forced`.
    """

    text: str
    refused: bool = False
    forced: bool = True
