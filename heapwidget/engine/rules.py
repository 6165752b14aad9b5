"""Propagation rules as data, run by one engine in `engine.ops.linear`.

For one linear op z_j = sum_i x_i w_ij + b_j, a rule says which share of unit j's relevance goes to its input i. A
share is a sum of branches; a branch is a sum of products of a changed input and a changed weight, over its own
denominator:

    share(i <- j) = sum_branches coefficient * sum_terms f(x_i) g(w_ij) / (d_j + bias part + stabiliser)
    d_j           = sum_i sum_terms f(x_i) g(w_ij)

Forms and names follow Bach et al. 2015 (epsilon) and Montavon et al. 2019, "Layer-wise relevance propagation: an
overview".

The same engine shares out *changes* from a baseline: x_i is then the change of an input, and there is no bias. Two
rules have a form of their own there (`of_changes`): `zplus` shares among what goes the way of the unit's change, and
`epsilon` passes multipliers on, the rescale rule of Shrikumar et al. 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from heapwidget.engine.flow import inverse
from heapwidget.errors import brief
from heapwidget.words.vocabulary import rule_label

Change = Callable[[Tensor], Tensor]
# From the denominators of the branches, by number, to what each is multiplied with; `None` for one that is not needed.
Scales = Callable[[Callable[[int], Tensor]], "list[Tensor | None]"]
# What multipliers are multiplied with on their way to the units of an operand, by its number and the part of the
# change that comes from each entry: that part where they arrive as relevance, else that over the unit's own change.
Factor = Callable[[int, Tensor], Tensor]


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
    the branch is for (`None`: all); `otherwise` is for those units where the denominator is 0 (`None`: a dead end).
    """

    terms: tuple[Term, ...]
    bias: Change | None = None
    epsilon: float = 0.0
    coefficient: float = 1.0
    only: Change | None = None
    otherwise: Branch | None = None


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
    scales
        What the branches are multiplied with, if not with one over the denominator of each.
    of_changes
        The rule for changes, where that is another.
    of_products
        The rule for products of two matrices that x makes, as attention's with its values, where that is another.
    multiplies
        Whether it passes multipliers on where it shares out changes; `factor` tells then what they are worth.

    Raises
    ------
    TypeError, ValueError
        If a branch is none, or gives a negative share though `signed` is `False`.
    """

    name: str
    label: str
    branches: tuple[Branch, ...]
    signed: bool = True
    scales: Scales | None = field(default=None, repr=False, kw_only=True)
    of_changes: Rule | None = field(default=None, repr=False, kw_only=True)
    of_products: Rule | None = field(default=None, repr=False, kw_only=True)
    multiplies: bool = field(default=False, kw_only=True)
    factor: Factor | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not self.branches or not all(isinstance(branch, Branch) for branch in self.branches):
            raise TypeError(f"rule {brief(self.name)} needs branches, not {brief(self.branches)}")
        object.__setattr__(self, "branches", tuple(self.branches))
        if not self.signed and self.scales is None and not all(_keeps_sign(branch) for branch in self.branches):
            raise ValueError(f"rule {brief(self.name)} can give a negative share, so it is signed")

    def passing(self, factor: Factor) -> Rule:
        """The same, passing multipliers on that are worth `factor`."""
        return replace(self, factor=factor)


_SAMPLES = torch.tensor([-3.0, -1.0, -0.25, 0.0, 0.25, 1.0, 3.0], dtype=torch.float64)


def _keeps_sign(branch: Branch) -> bool:
    """Whether no product of the branch is negative, nor its denominator, for some numbers of both signs."""
    parts = [torch.outer(term.x(_SAMPLES), term.w(_SAMPLES)) for term in branch.terms]
    added = [] if branch.bias is None else [branch.bias(_SAMPLES)]
    return branch.coefficient >= 0 and all(bool((part >= 0).all()) for part in (torch.stack(parts).sum(0), *added))


_PRO = (Term(_positive, _positive), Term(_negative, _negative))
_CONTRA = (Term(_positive, _negative), Term(_negative, _positive))


def along(size: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """What goes the way of a change, as a part of all that goes its way.

    The part is (abs(c) + sign(z) c) / 2 over its sum, which is (size + abs(z)) / 2 for size = sum abs(c) and
    z = sum c: at least half of all, so nothing is divided by what cancels. Where z is 0 it is by abs(c).

    Returns
    -------
    of_size, of_own
        What abs(c) and c are multiplied with.
    """
    over = inverse(size + z.abs())
    return over, over * z.sign()


def _along_or_evenly(total: Callable[[int], Tensor]) -> list[Tensor | None]:
    of_size, of_own = along(total(0), total(1))
    nothing = of_size == 0
    evenly = inverse(total(2)) * nothing if bool(nothing.any()) else None
    return [of_size, of_own, evenly]


# Shares of what goes the way of the change; where nothing changes, even ones.
ALONG = Rule(
    "zplus",
    rule_label("zplus"),
    (
        Branch((Term(torch.abs, torch.abs),)),
        Branch((Term(_same, _same),)),
        Branch((Term(torch.ones_like, lambda w: (w != 0).to(w.dtype)),)),
    ),
    signed=False,
    scales=_along_or_evenly,
)


def zplus(bias: bool = False) -> Rule:
    """(x+ w+ + x- w-) over its sum: non-negative, so relevance keeps its sign; positive biases share on request.

    Where attention meets values that are all negative, nothing pulls up though nothing else makes the unit: shares are
    by abs(x w) there.

    Of changes, it is what goes the way of the unit's change: sign(d_j) c_ij where that is positive, over its sum. As
    c_ij sum to d_j, there is always some, and nothing is absorbed.
    """
    branches = (Branch(_PRO, bias=_positive if bias else None),)
    by_size = Branch((Term(torch.abs, torch.abs),))
    products = Rule("zplus", rule_label("zplus"), (Branch(_PRO, otherwise=by_size),), signed=False)
    return Rule("zplus", rule_label("zplus"), branches, signed=False, of_changes=ALONG, of_products=products)


def epsilon(epsilon: float = 1e-6) -> Rule:
    """X w over z plus a stabiliser; with epsilon = 0 it is gradient times input on ReLU nets.

    Of changes, a unit passes its multiplier m on as m w, and nothing is divided by a sum that cancels.

    Raises
    ------
    ValueError
        If epsilon is negative: it would not stabilise.
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon must not be negative, but is {epsilon}")
    branch = Branch((Term(_same, _same),), bias=_same, epsilon=epsilon)
    return Rule("epsilon", rule_label("epsilon"), (branch,), signed=True, multiplies=True)


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


def alpha_beta(alpha: float = 2.0, beta: float = 1.0, bias: bool = False) -> Rule:
    """Alpha times the share of what pulls up, less beta times the share of what pulls down; alpha - beta = 1.

    On request biases share too, each on its side.

    Of changes, alpha is for what goes the way of the unit's change, and beta for what goes against it.

    Raises
    ------
    ValueError
        If alpha - beta is not 1: relevance would not be conserved.
    """
    if abs(alpha - beta - 1) > 1e-9 or beta < 0:
        raise ValueError(f"alpha - beta must be 1 with beta >= 0, but alpha={alpha} and beta={beta}")
    label, count = f"α{alpha:g} β{beta:g}", 2 if beta else 1
    up, down = (_positive, _negative) if bias else (None, None)
    branches = (Branch(_PRO, bias=up, coefficient=alpha), Branch(_CONTRA, bias=down, coefficient=-beta))[:count]

    def either(up: bool) -> tuple[Branch, ...]:
        only = (lambda z: z > 0) if up else (lambda z: z <= 0)
        pro, contra = (_PRO, _CONTRA) if up else (_CONTRA, _PRO)
        return (Branch(pro, coefficient=alpha, only=only), Branch(contra, coefficient=-beta, only=only))[:count]

    of_changes = Rule("alpha_beta", label, either(True) + either(False), signed=True)
    return Rule("alpha_beta", label, branches, signed=beta > 0, of_changes=of_changes)


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
