"""The net that was explained, to be asked again for its score on other inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heapwidget.arguments.targets import Target, head_of
from heapwidget.engine.capture import record
from heapwidget.engine.interrupts import let_through
from heapwidget.methods.ends import EACH_ALONE, scores_below

PROBABILITY_OF_NO = "probability of no"


@dataclass(frozen=True)
class Probe:
    """The net, and the target that it is asked for.

    Attributes
    ----------
    weights
        Of the scores in the target, in the shape of the net's output on x.
    shapes
        Of the inputs as the net takes them, with their batch axes.
    below
        What the net ends in, where the scores below that are asked for.
    decides
        Whether a score alone says yes or no, as of a net with a single one.
    """

    net: nn.Module
    shapes: tuple[tuple[int, ...], ...]
    target: Target
    weights: Tensor | None
    below: str | None = None
    decides: bool = False

    def scores(self, batch: Sequence[Tensor], index: int | None, kind: str, together: bool) -> NDArray[np.float64]:
        """The score of each of several examples, which each input holds one behind the other.

        They are run `together` or one by one.
        """
        if together:
            shaped = [a.reshape(len(a), *shape[1:]) for a, shape in zip(batch, self.shapes, strict=True)]
            return self._values(self._output(shaped), index, kind)
        rows = []
        for example in zip(*batch, strict=True):
            shaped = [a.reshape(shape) for a, shape in zip(example, self.shapes, strict=True)]
            rows.append(self._values(self._output(shaped).reshape(1, -1), index, kind))
        return np.concatenate(rows)

    def _output(self, inputs: list[Tensor]) -> Tensor:
        head = head_of(self.target)
        if self.below is not None:
            scores: Tensor = scores_below(record(self.net, *inputs, head=head))[0].output
            return scores
        with torch._C._EnableTorchFunction(), let_through():
            # A net may write into what it is given.
            output = self.net(*(a.clone() for a in inputs))
        return head(output)

    def takes_batches(self, pair: Sequence[Tensor], index: int | None, kind: str) -> bool:
        """Whether two examples together have the scores that they have alone; some nets mix what is in a batch."""
        if any(shape[0] != 1 for shape in self.shapes) or callable(self.target):
            return False
        try:
            both = self.scores(pair, index, kind, together=True)
        except Exception:
            return False
        alone = self.scores(pair, index, kind, together=False)
        return both.shape == alone.shape and np.allclose(both, alone, rtol=1e-2, atol=1e-3 * np.abs(alone).max())

    def _values(self, output: Tensor, index: int | None, kind: str) -> NDArray[np.float64]:
        """One score for each row of outputs."""
        # On the host: some devices know no float64.
        output = output.cpu().double()
        if kind == "logit" and self.weights is not None:
            chosen = output @ self.weights.reshape(-1).to(output)
        elif index is None:
            chosen = output.sum(dim=1)
        else:
            # One output alone is the logit of a yes or no, and what was decided counts.
            alone = output.shape[1] == 1 or self.below in EACH_ALONE
            shares = (-output if kind == PROBABILITY_OF_NO else output).sigmoid() if alone else output.softmax(dim=1)
            chosen = (output if kind == "logit" else shares)[:, index]
        values: NDArray[np.float64] = chosen.numpy()
        return values
