"""What the pictures are drawn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadscore.card import Threshold
from leadscore.training.dataset import Dataset
from leadscore.training.evaluation.figures import Probability
from leadscore.training.evaluation.folds import OutOfFold


@dataclass(frozen=True)
class Evidence:
    """A model and how it scores its leads.

    `leads`, with the features the model reads; probabilities `out_of_fold` of the oldest, and of the
    `newest`, shape (newest leads,), with their `contributions`, shape (newest leads, features).
    """

    leads: Dataset
    threshold: Threshold
    out_of_fold: OutOfFold
    newest: Probability
    contributions: NDArray[np.float64]

    @property
    def tested(self) -> str:
        """What the leads it was tested on are called."""
        return self.leads.tested
