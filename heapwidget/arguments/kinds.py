"""How an input is shown: as an image, as bars of a table, as a line, as words, or as a strip of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from heapwidget.arguments.checks import readable
from heapwidget.boxes import Shape, unbatched
from heapwidget.errors import brief
from heapwidget.trace.header import Header, Layer

# A longer vector without names says more as a strip, and more channels cannot be told apart as lines.
MOST_BARS = 128
MOST_LINES = 8


@dataclass(frozen=True)
class Names:
    """What the positions of an input are called; `kind` is `"bars"` for features, `"tokens"` for words."""

    kind: str
    names: tuple[str, ...]

    def channel_axis(self, shape: Shape) -> int | None:
        """The axis that is not named: the last, unless only that fits."""
        if len(shape) < 2:
            return None
        return 1 if shape[0] == len(self.names) else 0


def kind_of(layers: Sequence[Layer], number: int) -> str:
    """How an input without names is shown, by its shape and by what reads it.

    Parameters
    ----------
    layers
        The header's layers; the inputs alone where a method knows no others.
    number
        Which input.
    """
    shape, axis = layers[number].shape, layers[number].channel_axis
    if len(shape) == 3 and shape[0] in (1, 3) and axis == 0:
        return "image"
    convolved = _meets_convolution(layers, number)
    if len(shape) == 1:
        return "line" if convolved else "bars" if shape[0] <= MOST_BARS else "strip"
    if len(shape) != 2 or axis != 0:
        return "strip"
    unread = not any(layer.reads for layer in layers)
    return "line" if convolved or (unread and shape[0] <= MOST_LINES < shape[1]) else "strip"


def _meets_convolution(layers: Sequence[Layer], number: int) -> bool:
    """Whether a convolution is the first that mixes an input's units; what only adds or scales is passed by."""
    units, same = layers[number].units, {number}
    for i, layer in enumerate(layers):
        if same.isdisjoint(layer.reads):
            continue
        if layer.op == "conv":
            return True
        if layer.op not in ("linear", "matmul") and layer.units == units:
            same.add(i)
    return False


def channel_axes(named: Sequence[Names | None], inputs: Sequence[Tensor]) -> tuple[int | None, ...]:
    """For each input the axis that counts channels, as far as names tell."""
    return tuple(
        None if given is None else given.channel_axis(unbatched(tuple(x.shape)))
        for given, x in zip(named, inputs, strict=True)
    )


def with_names(header: Header, named: Sequence[Names | None]) -> Header:
    """The header with the names of its inputs' positions."""
    layers = list(header.layers)
    for number, given in enumerate(named):
        if given is not None:
            layers[number] = replace(layers[number], kind=given.kind, names=given.names)
    return replace(header, layers=tuple(layers))


def listed_positions(feature_names: Any, tokens: Any, x: Tensor | Sequence[Tensor]) -> tuple[Names | None, ...]:
    """The names given for each input: a tuple of lists where x is a tuple.

    Raises
    ------
    TypeError, ValueError
        For names that are no list of them, or that do not fit an input.
    """
    features, words = _by_input("feature_names", feature_names, x), _by_input("tokens", tokens, x)
    inputs = [("x", x)] if isinstance(x, Tensor) else [(f"x[{i}]", a) for i, a in enumerate(x)]
    return tuple(
        _names_of(name, unbatched(tuple(a.shape)), *given)
        for (name, a), given in zip(inputs, zip(features, words, strict=True), strict=True)
    )


def _names_of(name: str, shape: Shape, features: tuple[str, ...] | None, words: tuple[str, ...] | None) -> Names | None:
    if features is not None and words is not None:
        raise ValueError(f"feature_names and tokens are both given for {name}; name its positions one way")
    if features is not None:
        if len(shape) != 1:
            raise ValueError(
                f"feature_names names the columns of a table, but {name} of shape {shape} is no row of one"
            )
        if len(features) != shape[0]:
            raise ValueError(f"feature_names has {len(features)} names, but {name} has {shape[0]} features")
        return Names("bars", features)
    if words is not None:
        if len(shape) > 2:
            raise ValueError(f"tokens names the rows of (tokens, features), but {name} has shape {shape}")
        if len(words) not in shape:
            raise ValueError(f"tokens has {len(words)} words, but {name} has shape {shape}, with {shape[0]} tokens")
        return Names("tokens", words)
    return None


def _by_input(argument: str, given: Any, x: Tensor | Sequence[Tensor]) -> list[tuple[str, ...] | None]:
    """Names for each input: one list for a single one, a tuple of lists or `None` for several."""
    if isinstance(x, Tensor):
        return [None if given is None else _listed(argument, given)]
    if given is None:
        return [None] * len(x)
    parts = list(given) if isinstance(given, tuple | list) else []
    if len(parts) != len(x) or not all(part is None or _is_listing(part) for part in parts):
        raise ValueError(
            f"x holds {len(x)} inputs, so {argument} must be a tuple of {len(x)}: a list of names or None for each"
        )
    return [None if part is None else _listed(argument, part) for part in parts]


def _is_listing(given: Any) -> bool:
    """Whether something lists names in an order."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | set | frozenset)


def _listed(argument: str, given: Any) -> tuple[str, ...]:
    if not _is_listing(given):
        raise TypeError(f"{argument} must be a list of names, one a position, not {brief(given)}")
    return tuple(readable(name) for name in given)
