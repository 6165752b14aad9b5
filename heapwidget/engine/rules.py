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

from heapwidget.errors import brief
from heapwidget.words.vocabulary import rule_label

Change = Callable[[Tensor], Tensor]


def _same(a: Tensor) -> Tensor:
    return a


# What has one sign throughout, as all numbers behind a ReLU, takes no memory of its own.
def _positive(a: Tensor) -> Tensor:
    return a if a.numel() and bool(a.amin() >= 0) else a.clamp(min=0)


def _negative(a: Tensor) -> Tensor:
    return a.new_zeros(()).expand_as(a) if a.numel() and bool(a.amin() >= 0) else a.clamp(max=0)


@dataclass(frozen=True)
class Term:
    """One product f(x) g(w) of a branch's numerator."""

    x: Change
    w: Change


@dataclass(frozen=True)
class Branch:
    """A sum of terms over its own denominator.

    `bias` changes the op's bias before it joins the denominator (`None`: biases take nothing); `epsilon` is added to
    the denominator with the denominator's sign, sign(0) = +1; `only` says, from the op's own output z, which units
    the branch is for (`None`: all).
    """

    terms: tuple[Term, ...]
    bias: Change | None = None
    epsilon: float = 0.0
    coefficient: float = 1.0
    only: Change | None = None


@dataclass(frozen=True)
class Rule:
    """A named sum of branches.

    Parameters
    ----------
    name
        What the trace calls it.
    label
        What the viewer calls it, and whatever else is shown.
    branches
        One or more.
    signed
        Whether a share can be negative. A walk without negative shares is faster, and its bound is its error; so say
        `False` where none can be. It is tried out on numbers of both signs.

    Raises
    ------
    TypeError, ValueError
        If a branch is none, or gives a negative share though `signed` is `False`.
    """

    name: str
    label: str
    branches: tuple[Branch, ...]
    signed: bool = True

    def __post_init__(self) -> None:
        if not self.branches or not all(isinstance(branch, Branch) for branch in self.branches):
            raise TypeError(f"rule {brief(self.name)} needs branches, not {brief(self.branches)}")
        object.__setattr__(self, "branches", tuple(self.branches))
        if not self.signed and not all(_keeps_sign(branch) for branch in self.branches):
            raise ValueError(f"rule {brief(self.name)} can give a negative share, so it is signed")


_SAMPLES = torch.tensor([-3.0, -1.0, -0.25, 0.0, 0.25, 1.0, 3.0], dtype=torch.float64)


def _keeps_sign(branch: Branch) -> bool:
    """Whether no product of the branch is negative, nor its denominator, for some numbers of both signs."""
    parts = [torch.outer(term.x(_SAMPLES), term.w(_SAMPLES)) for term in branch.terms]
    added = [] if branch.bias is None else [branch.bias(_SAMPLES)]
    return branch.coefficient >= 0 and all(bool((part >= 0).all()) for part in (torch.stack(parts).sum(0), *added))


_PRO = (Term(_positive, _positive), Term(_negative, _negative))
_CONTRA = (Term(_positive, _negative), Term(_negative, _positive))


def zplus(bias: bool = False) -> Rule:
    """(x+ w+ + x- w-) over its sum: non-negative, so relevance keeps its sign; positive biases share on request."""
    return Rule("zplus", rule_label("zplus"), (Branch(_PRO, bias=_positive if bias else None),), signed=False)


def epsilon(epsilon: float = 1e-6) -> Rule:
    """X w over z plus a stabiliser; with epsilon = 0 it is gradient times input on ReLU nets.

    Raises
    ------
    ValueError
        If epsilon is negative: it would not stabilise.
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon must not be negative, but is {epsilon}")
    branch = Branch((Term(_same, _same),), bias=_same, epsilon=epsilon)
    return Rule("epsilon", rule_label("epsilon"), (branch,), signed=True)


def gamma(gamma: float = 0.25) -> Rule:
    """What pulls a unit its own way counts 1 + gamma times: x w + gamma (x w)+ where z > 0, mirrored where z <= 0.

    Raises
    ------
    ValueError
        If gamma is negative: what pulls the other way would count more.
    """
    if not gamma >= 0:
        raise ValueError(f"gamma must not be negative, but is {gamma}")

    def more_positive(a: Tensor) -> Tensor:
        return a + gamma * a.clamp(min=0)

    def more_negative(a: Tensor) -> Tensor:
        return a + gamma * a.clamp(max=0)

    above = Branch(
        (Term(_positive, more_positive), Term(_negative, more_negative)), bias=more_positive, only=lambda z: z > 0
    )
    below = Branch(
        (Term(_positive, more_negative), Term(_negative, more_positive)), bias=more_negative, only=lambda z: z <= 0
    )
    return Rule("gamma", f"{rule_label('gamma')} {gamma:g}", (above, below), signed=True)


def alpha_beta(alpha: float = 2.0, beta: float = 1.0) -> Rule:
    """Alpha times the share of what pulls up, less beta times the share of what pulls down; alpha - beta = 1.

    Raises
    ------
    ValueError
        If alpha - beta is not 1: relevance would not be conserved.
    """
    if abs(alpha - beta - 1) > 1e-9 or beta < 0:
        raise ValueError(f"alpha - beta must be 1 with beta >= 0, but alpha={alpha} and beta={beta}")
    branches = (Branch(_PRO, coefficient=alpha), Branch(_CONTRA, coefficient=-beta))
    return Rule("alpha_beta", f"α{alpha:g} β{beta:g}", branches if beta else branches[:1], signed=beta > 0)


def absolute() -> Rule:
    """abs(x w) over its sum: non-negative."""
    return Rule("absolute", rule_label("absolute"), (Branch((Term(torch.abs, torch.abs),)),), signed=False)


def flat() -> Rule:
    """The same share for every valid input; meant for the first layer."""
    return Rule("flat", rule_label("flat"), (Branch((Term(torch.ones_like, torch.ones_like),)),), signed=False)


def w_square() -> Rule:
    """The weight squared over its sum; meant for the first layer."""
    return Rule("w_square", rule_label("w_square"), (Branch((Term(torch.ones_like, torch.square),)),), signed=False)


def z_box(low: float, high: float) -> Rule:
    """(x w - low w+ - high w-) over its sum; meant for a first layer whose inputs lie between low and high.

    Raises
    ------
    ValueError
        If low is not below high.
    """
    if not low < high:
        raise ValueError(f"low must be below high, but low={low} and high={high}")
    terms = (
        Term(_same, _same),
        Term(lambda x: torch.full_like(x, -low), _positive),
        Term(lambda x: torch.full_like(x, -high), _negative),
    )
    return Rule("z_box", f"{rule_label('z_box')} {low:g}–{high:g}", (Branch(terms),), signed=True)


RULES: dict[str, Callable[[], Rule]] = {
    "zplus": zplus,
    "epsilon": epsilon,
    "gamma": gamma,
    "alpha_beta": alpha_beta,
    "absolute": absolute,
    "flat": flat,
    "w_square": w_square,
}
