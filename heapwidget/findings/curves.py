"""Curves of deletion and insertion, and what they say of a pop order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# By so much of itself a score must fall below zero for that to be said.
SIGN_CHANGE = 0.01


@dataclass(frozen=True, eq=False)
class Curves:
    """The target's score, as a fraction of its score on x, while positions are replaced.

    Attributes
    ----------
    fractions
        Of the positions that are replaced (deletion) or given back (insertion), from 0 to 1.
    deletion, insertion
        The score at each of these.
    """

    fractions: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve: the smaller, the better."""
        return self._area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve: the larger, the better."""
        return self._area(self.insertion)

    def _area(self, curve: NDArray[np.float64]) -> float:
        return float((np.diff(self.fractions) * (curve[1:] + curve[:-1]) / 2).sum())


@dataclass(frozen=True, eq=False)
class Faithfulness(Curves):
    """How the pop order fares by deletion and insertion.

    Attributes
    ----------
    random
        The mean of the curves of random orders; `None` if there were none.
    score
        The score on x itself: what the curves are fractions of, unless it is too small beside other scores for that.
    kind
        `"probability"`, `"probability of no"` where the score of a yes or no is negative, or `"logit"`.
    fractions_of_score
        Whether the curves are fractions of `score`; else they are the scores themselves.
    """

    random: Curves | None
    score: float
    kind: str
    fractions_of_score: bool = True

    @property
    def note(self) -> str:
        """What the curves cannot say; empty where they can be read as they are."""
        if not self.fractions_of_score:
            return f"{self.score:.3g} is too small for fractions of it, so these are areas under the scores themselves"
        curves = [self.deletion, self.insertion]
        curves += [] if self.random is None else [self.random.deletion, self.random.insertion]
        if min(float(curve.min()) for curve in curves) < -SIGN_CHANGE:
            return "the score changes its sign on the way, so no area is a share of it"
        return ""

    @property
    def scores(self) -> dict[str, Any]:
        """The curves as JSON, for a viewer."""
        absolute = {} if self.fractions_of_score else {"absolute": True}
        own = {"kind": self.kind, "fractions": self.fractions.tolist(), **_told(self), **absolute}
        return own | {"random": None if self.random is None else _told(self.random)}

    def __str__(self) -> str:
        def beside(area: float | None) -> str:
            return "" if area is None else f" (random order {area:.3f})"

        chance = (None, None) if self.random is None else (self.random.deletion_area, self.random.insertion_area)
        return (
            f"deletion {self.deletion_area:.3f}{beside(chance[0])}, "
            f"insertion {self.insertion_area:.3f}{beside(chance[1])}; {self.kind} {self.score:.4g}"
            + (f"; {self.note}" if self.note else "")
        )


def _told(curves: Curves) -> dict[str, list[float]]:
    return {"deletion": curves.deletion.tolist(), "insertion": curves.insertion.tolist()}
