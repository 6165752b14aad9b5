"""How inputs are shown, and what their positions are called: one entry a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heapwidget.boxes import Shape
from heapwidget.words.vocabulary import NOUNS, POSITIONS

# A longer vector without names says more as a strip, and more channels cannot be told apart as lines.
MOST_BARS = 128
MOST_LINES = 8

# Of an input: its shape without a batch axis, the axis that counts channels, and whether a convolution is the first to
# mix its units; `None` where nothing is known to read it.
Suits = Callable[[Shape, int | None, bool | None], bool]


@dataclass(frozen=True)
class Kind:
    """One way to show an input.

    Attributes
    ----------
    suits
        Which inputs without names are shown like this.
    holds
        Which inputs can be shown like this at all, by shape and channel axis.
    noun
        What a position is called.
    place
        What a position's label begins with where there is one input; by default the input's name.
    label
        How a position that has a name is told, by its `{index}` and its `{name}`; `None` where positions have none.
    unnamed
        Whether there may be inputs of this kind without names.
    """

    suits: Suits = lambda shape, axis, convolved: False
    holds: Callable[[Shape, int | None], bool] = lambda shape, axis: True
    noun: str = NOUNS["position"]
    place: str | None = None
    label: str | None = None
    unnamed: bool = True


def _is_image(shape: Shape, axis: int | None) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3) and axis == 0


def _is_line(shape: Shape, axis: int | None, convolved: bool | None) -> bool:
    if len(shape) == 1:
        return bool(convolved)
    several = len(shape) == 2 and axis == 0
    return several and (bool(convolved) or (convolved is None and shape[0] <= MOST_LINES < shape[1]))


# Of several that suit an input, the one that was entered last is taken.
KINDS = {
    "strip": Kind(noun=POSITIONS["strip"], suits=lambda shape, axis, convolved: True),
    "bars": Kind(
        noun=POSITIONS["bars"],
        suits=lambda shape, axis, convolved: len(shape) == 1 and shape[0] <= MOST_BARS,
        label="{name}",
    ),
    "line": Kind(noun=POSITIONS["line"], suits=_is_line),
    "tokens": Kind(noun=POSITIONS["tokens"], label="token {index} ‘{name}’", unnamed=False),
    "image": Kind(
        noun=POSITIONS["image"],
        suits=lambda shape, axis, convolved: _is_image(shape, axis),
        holds=_is_image,
        place=POSITIONS["image"],
    ),
}


def kind_of(shape: Shape, channel_axis: int | None, convolved: bool | None) -> str:
    """How an input without names is shown, as `Suits` are told of it."""
    return next(name for name, kind in reversed(KINDS.items()) if kind.suits(shape, channel_axis, convolved))


def position_noun(kinds: Sequence[str]) -> str:
    """What the positions of inputs of these kinds are called; those of several kinds share one word."""
    nouns = {KINDS[kind].noun for kind in kinds}
    return nouns.pop() if len(nouns) == 1 else Kind.noun
