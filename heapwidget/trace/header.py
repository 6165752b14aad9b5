"""The trace's header, typed: what `docs/trace.md` lists, and the one place where it becomes JSON or comes from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from math import prod
from typing import Any, TypeVar

from heapwidget.boxes import Partition, Shape
from heapwidget.trace.ledger import Ledger

# A trace bears the first version whose readers can show it: a wave, and arrivals by squares, came with the second.
FORMAT, VERSIONS = "heapwidget-trace", (1, 2)

PHASES = ("walk", "finish", "collect")

# Letters of the name of a layer or of a position, at most.
LONGEST_NAME = 10_000

# What JSON leaves out where it has its default.
LEFT_OUT = {
    "below",
    "baseline",
    "at_baseline",
    "kind",
    "square",
    "names",
    "inputs",
    "rule_label",
    "priority",
    "class_top",
    "input_in_heap",
    "collect_order",
    "cell",
}

T = TypeVar("T")


@dataclass(frozen=True)
class TargetValue:
    """The number that is explained, and `below` which end of the net it lies.

    Where it is neither the score of a class nor a sum of scores, what `kind` it is of: see `docs/trace.md`.

    Where its change from a baseline is explained, what that is called, and the number there.
    """

    label: str
    index: int | None
    value: float
    below: str | None = None
    kind: str | None = None
    baseline: str | None = None
    at_baseline: float = 0.0

    @property
    def change(self) -> float:
        """What is shared out: all of the value, or what it has more than at the baseline."""
        return self.value - self.at_baseline


@dataclass(frozen=True)
class Phases:
    """Rows of each phase, in this order."""

    walk: int = 0
    finish: int = 0
    collect: int = 0


@dataclass(frozen=True)
class Layer:
    """A layer: its units, how they are cut into nodes, and what they read; of an input also how it is shown."""

    label: str
    op: str
    shape: Shape
    box: Shape
    channel_axis: int | None
    reads: tuple[int, ...]
    field: tuple[tuple[int, int, int, int | None], ...] | None
    kind: str | None = None
    square: int | None = None
    names: tuple[str, ...] | None = None
    cell: tuple[tuple[tuple[int, int, int, int, int], ...], ...] | None = None

    @property
    def partition(self) -> Partition:
        """How it is cut into nodes."""
        return Partition(self.shape, self.box)

    @property
    def units(self) -> int:
        """How many it has."""
        return prod(self.shape)

    @property
    def positions(self) -> Shape:
        """Its shape without channels."""
        return tuple(s for a, s in enumerate(self.shape) if a != self.channel_axis) or (1,)


@dataclass(frozen=True, kw_only=True, eq=False)
class Header(Mapping[str, Any]):
    """All that a trace says besides its columns.

    Its attributes are typed; as a mapping it is its own JSON, `header["phases"]["walk"]`, and `dict(header)` is all of
    that. Keys which this version does not know are passed over.
    """

    format: str = FORMAT
    version: int = VERSIONS[0]
    method: str
    rule: str | None
    rule_label: str | None = None
    order: str
    conserved: bool
    target: TargetValue
    layers: tuple[Layer, ...]
    inputs: int = 1
    floor: float | None = None
    priority: str | None = None
    class_top: float | None = None
    input_in_heap: bool = False
    phases: Phases = field(default_factory=Phases)
    collect_order: str | None = None
    start: tuple[tuple[int, float], ...] = ()
    ledger: Ledger

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Header:
        """The header that JSON tells; `check_header` says whether it tells one."""
        return _read(cls, value)

    def __getitem__(self, key: str) -> Any:
        return _plain({name: getattr(self, name) for name in _keys(self)}[key])

    def __iter__(self) -> Iterator[str]:
        return iter(_keys(self))

    def __len__(self) -> int:
        return len(_keys(self))


# What an object of JSON is, by the key that it stands at.
OBJECTS: Mapping[str, type[Any]] = {"target": TargetValue, "layers": Layer, "phases": Phases, "ledger": Ledger}


def _keys(record: Any) -> list[str]:
    """The keys that a record has in JSON."""
    return [f.name for f in fields(record) if f.name not in LEFT_OUT or getattr(record, f.name) != f.default]


def _plain(value: Any) -> Any:
    """A value of a header as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {key: _plain(getattr(value, key)) for key in _keys(value)}
    # What was absorbed, by layer and cause.
    return [[*key, number] for key, number in value.items()] if isinstance(value, dict) else value


def _read(kind: type[T], value: Mapping[str, Any]) -> T:
    """A record of its JSON."""
    return kind(**{f.name: _typed(f.name, value[f.name]) for f in fields(kind) if f.name in value})  # type: ignore[arg-type]


def _typed(key: str, value: Any) -> Any:
    """A value of JSON as a header has it."""
    if key == "absorbed":
        return {(layer, cause): number for layer, cause, number in value}
    if isinstance(value, dict):
        return _read(OBJECTS[key], value)
    return tuple(_typed(key, one) for one in value) if isinstance(value, list) else value
