"""`method="gradient"`: the article's code, a heap of the gradient at each position of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from heapwidget.arguments.nets import check_differentiable
from heapwidget.arguments.question import Question, check_single, noting, recorded_inputs, refuse, ways
from heapwidget.arguments.targets import Choice
from heapwidget.engine.capture import RunAs, apart, called
from heapwidget.engine.finite import check_finite, check_found
from heapwidget.engine.flow import host
from heapwidget.errors import UnsupportedOpError, check_choice
from heapwidget.methods.base import Answer

ORDERS = ("descending", "ascending")


@dataclass(frozen=True)
class Gradient:
    """The gradient of the target with respect to the inputs; without a target that of the sum of all outputs."""

    name: ClassVar = "gradient"

    order: str = "descending"

    def __post_init__(self) -> None:
        check_choice("order", self.order, ORDERS)

    def answer(self, question: Question) -> Answer:
        """Run the net with gradients, on the inputs as it takes them."""
        check_differentiable(question.net)
        inputs, refusals = recorded_inputs(question), list[BaseException | None]()
        for taken in ways(inputs):
            with noting(refusals):
                return self._on(question, taken)
        return refuse(inputs, refusals[0])

    def _on(self, question: Question, inputs: tuple[Tensor, ...]) -> Answer:
        choice, value, gradients = _gradients(question, inputs)
        if not all(bool(g.isfinite().all()) for g in (*gradients, value)):
            begins = check_finite(question.net, question.record(inputs))
            if begins is None:
                raise ValueError(
                    "the gradient is not finite, though all activations are, as that of a root at 0 or of many steep "
                    "layers; take method='relevance'"
                )
            check_found([host(g) for g in gradients], begins, "method='relevance'")
        ascending, amount = self.order == "ascending", float(value.detach())
        return Answer.of_inputs(self.name, question, inputs, gradients, choice, amount, ascending)


def _gradients(question: Question, inputs: tuple[Tensor, ...]) -> tuple[Choice, Tensor, tuple[Tensor, ...]]:
    """The target, its value, and the gradient at each input."""
    with apart(question.net) as run, torch.enable_grad():
        leaves = [x.detach().clone().requires_grad_() for x in inputs]
        # Copies, since the net may write into what it is given.
        given = [leaf.clone() for leaf in leaves]
        with run.watched(given, RunAs(True)) as copy:
            output = called(copy, given, question.head)
        check_single(question, inputs, output)
        summed = Choice("Σ outputs", None, torch.ones_like(output))
        choice = summed if question.target is None else question.choice(output)
        value = choice.value(output)
        if not value.requires_grad:
            raise ValueError(
                "no gradient leads from the output back to x: the net cuts it off, by detach() or no_grad; "
                "method='relevance' follows the numbers themselves"
            )
        return choice, value, gradients_at(leaves, value, "gradient")


def gradients_at(leaves: Sequence[Tensor], value: Tensor, method: str) -> tuple[Tensor, ...]:
    """The gradient of a number at each of several tensors; 0 where it does not depend on one.

    Raises
    ------
    UnsupportedOpError
        If autograd refuses: an op has no derivative, or what it needs was overwritten.
    """
    try:
        return torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    except RuntimeError as error:
        raise UnsupportedOpError(
            f"method={method!r} needs a gradient through every op ({str(error).strip().splitlines()[0]}); "
            "take method='relevance'"
        ) from error
