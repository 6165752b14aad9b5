"""Names as users pass them: of classes, of the columns of a table, of the words of a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from heapwidget.arguments.inputs import by_input
from heapwidget.boxes import Shape, unbatched
from heapwidget.errors import brief
from heapwidget.trace.header import LONGEST_NAME


def listed_names(class_names: Any) -> list[str] | None:
    """Names by class index: a sequence of whatever has a name, or a mapping from indices, as models carry them."""
    if class_names is None:
        return None
    if isinstance(class_names, Mapping):
        if set(class_names) != set(range(len(class_names))):
            raise ValueError(f"class_names maps {brief(list(class_names))}, not the class indices from 0 on")
        return [readable(class_names[i]) for i in range(len(class_names))]
    if isinstance(class_names, set | frozenset) or not isinstance(class_names, Iterable):
        raise TypeError(f"class_names must be a list of names by class index, not {brief(class_names)}")
    return [readable(name) for name in class_names]


def readable(name: Any) -> str:
    """A name as text that can be written: without halves of surrogate pairs, and no longer than a trace may hold."""
    text = str(name).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


@dataclass(frozen=True)
class Names:
    """What the positions of an input are called; `kind` is `"bars"` for features, `"tokens"` for words.

    `channel_axis` is the one that is not named: the last, unless only that fits.
    """

    kind: str
    names: tuple[str, ...]
    channel_axis: int | None


def listed_positions(feature_names: Any, tokens: Any, x: Tensor | Sequence[Tensor]) -> tuple[Names | None, ...]:
    """The names given for each input: a tuple of lists where x is a tuple.

    Raises
    ------
    TypeError, ValueError
        For names that are no list of them, or that do not fit an input.
    """
    given = zip(_by_input("feature_names", feature_names, x), _by_input("tokens", tokens, x), strict=True)
    inputs = [("x", x)] if isinstance(x, Tensor) else [(f"x[{i}]", a) for i, a in enumerate(x)]
    return tuple(_names_of(name, unbatched(tuple(a.shape)), *own) for (name, a), own in zip(inputs, given, strict=True))


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
        return Names("bars", features, None)
    if words is not None:
        if len(shape) > 2:
            raise ValueError(f"tokens names the rows of (tokens, features), but {name} has shape {shape}")
        if len(words) not in shape:
            raise ValueError(f"tokens has {len(words)} words, but {name} has shape {shape}, with {shape[0]} tokens")
        return Names("tokens", words, None if len(shape) < 2 else int(shape[0] == len(words)))
    return None


def _by_input(argument: str, given: Any, x: Tensor | Sequence[Tensor]) -> tuple[tuple[str, ...] | None, ...]:
    def listed(part: Any) -> tuple[str, ...]:
        if not _is_listing(part):
            raise TypeError(f"{argument} must be a list of names, one a position, not {brief(part)}")
        return tuple(readable(name) for name in part)

    return by_input(argument, "a list of names", given, x, listed, _is_listing)


def _is_listing(given: Any) -> bool:
    """Whether something lists names in an order."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | set | frozenset)
