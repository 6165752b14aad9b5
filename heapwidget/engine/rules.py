"""Propagation rules as data, run by one engine in `engine.ops.linear`.

For one linear op z_j = sum_i x_i w_ij + b_j, a rule says which share of unit j's relevance goes to its input i. A
share is a sum of branches; a branch is a sum of products of a changed input and a changed weight, over its own
denominator:

    share(i <- j) = sum_branches coefficient * sum_terms f(x_i) g(w_ij) / (d_j + bias part + stabiliser)
    d_j           = sum_i sum_terms f(x_i) g(w_ij)

Forms and names follow Bach et al. 2015 (epsilon) and Montavon et al. 2019, "Layer-wise relevance propagation: an
overview".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Change = Callable[[Tensor], Tensor]


def _same(a: Tensor) -> Tensor:
    return a


def _positive(a: Tensor) -> Tensor:
    return a.clamp(min=0)


def _negative(a: Tensor) -> Tensor:
    return a.clamp(max=0)


@dataclass(frozen=True)
class Term:
    """One product f(x) g(w) of a branch's numerator."""

    x: Change
    w: Change


@dataclass(frozen=True)
class Branch:
    """A sum of terms over its own denominator.

    `bias` changes the op's bias before it joins the denominator (`None`: biases take nothing); `epsilon` is added
    to the denominator with the denominator's sign, sign(0) = +1.
    """

    terms: tuple[Term, ...]
    bias: Change | None = None
    epsilon: float = 0.0
    coefficient: float = 1.0


@dataclass(frozen=True)
class Rule:
    """A named sum of branches; `signed` says whether a share can be negative."""

    name: str
    label: str
    branches: tuple[Branch, ...]
    signed: bool


def zplus(bias: bool = False) -> Rule:
    """(x+ w+ + x- w-) over its sum: non-negative, so relevance keeps its sign; positive biases share on request."""
    terms = (Term(_positive, _positive), Term(_negative, _negative))
    return Rule("zplus", "z⁺", (Branch(terms, bias=_positive if bias else None),), signed=False)


def epsilon(epsilon: float = 1e-6) -> Rule:
    """X w over z plus a stabiliser; with epsilon = 0 it is gradient times input on ReLU nets."""
    branch = Branch((Term(_same, _same),), bias=_same, epsilon=epsilon)
    return Rule("epsilon", "ε", (branch,), signed=True)


def flat() -> Rule:
    """The same share for every valid input."""
    return Rule("flat", "flat", (Branch((Term(torch.ones_like, torch.ones_like),)),), signed=False)


RULES: dict[str, Callable[[], Rule]] = {"zplus": zplus, "epsilon": epsilon, "flat": flat}
