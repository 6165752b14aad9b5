"""Write `substeps.json`: every comparison and write inside the heap, recorded as CPython runs heapq's own lines.

`python tests/golden/make_substeps.py` runs the routines that the code panel shows, over a list that notes each write
and items that note each comparison, with the line that asked for it. A tracer adds the variables that hold once that
line has run. A few sequences are kept event by event, a thousand as one number each.
"""

from __future__ import annotations

import heapq
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parent
SHOWN = HERE.parent.parent / "heapwidget" / "frontend" / "src" / "core" / "slow" / "routines.ts"

Op = tuple[str, float, int]


def routines() -> dict[str, list[str]]:
    """The text that the code panel shows, by name."""
    block = SHOWN.read_text(encoding="utf-8").split("ROUTINES = ")[1].split("} as const")[0] + "}"
    block = re.sub(r"^(\s*|\{ *)(\w+): \[", r'\1"\2": [', block, flags=re.MULTILINE)
    return json.loads(re.sub(r",(\s*[\]}])", r"\1", block))


class Recorder:
    """Runs the routines and notes what they do: `[routine, line, kind, array, variables]` for each event."""

    def __init__(self) -> None:
        self.events: list[list[Any]] = []
        # Events whose line has not run to its end, by frame.
        self._open: dict[FrameType, list[list[Any]]] = {}
        self.heap = Watched(self)
        self._names: dict[str, Any] = {}
        for name, lines in routines().items():
            exec(compile("\n".join(lines), name, "exec"), self._names)

    def note(self, kind: str) -> None:
        """Keep the routine and the line that are running, and the array as it is."""
        frame = sys._getframe(2)
        nodes = [item[1] for item in self.heap]
        event = [frame.f_code.co_name, frame.f_lineno - 1, kind, nodes]
        self.events.append(event)
        self._open.setdefault(frame, []).append(event)

    def trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        """Called before each line of a routine, and when it returns: what was noted on the line before is complete."""
        if frame.f_code.co_filename not in self._names:
            return None
        if event in ("line", "return"):
            for noted in self._open.pop(frame, ()):
                noted.append({name: shown(value) for name, value in frame.f_locals.items() if name != "heap"})
        return self.trace

    def run(self, op: Op) -> list[list[Any]]:
        """The events of one operation."""
        self.events = []
        sys.settrace(self.trace)
        try:
            self._run(op)
        finally:
            sys.settrace(None)
        return self.events

    def _run(self, op: Op) -> None:
        kind, rank, node = op
        if kind == "pop":
            self._names["heappop"](self.heap)
        elif kind == "push":
            self._names["heappush"](self.heap, self.item(rank, node))
        else:
            position = [item[1] for item in self.heap].index(node)
            self._names["rekey"](self.heap, position, self.item(rank, node))

    def item(self, rank: float, node: int) -> Item:
        made = Item((rank, node))
        made.recorder = self
        return made


def shown(value: Any) -> Any:
    """A variable as JSON: an item by its node."""
    return {"node": value[1]} if isinstance(value, tuple) else value


class Item(tuple):
    """A pair that tells when it is compared."""

    recorder: Recorder

    def __lt__(self, other: tuple[Any, ...]) -> bool:
        self.recorder.note("compare")
        return tuple.__lt__(self, other)


class Watched(list):
    """A list that tells when it is written."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def append(self, item: Any) -> None:
        super().append(item)
        self.recorder.note("write")

    def pop(self, *arguments: Any) -> Any:
        item = super().pop(*arguments)
        self.recorder.note("write")
        return item

    def __setitem__(self, index: Any, item: Any) -> None:
        super().__setitem__(index, item)
        self.recorder.note("write")


def random_numbers(seed: int) -> Iterator[int]:
    """Lehmer's generator with the multiplier 48271; the front end's tests draw the same numbers."""
    state = seed + 1
    while True:
        state = state * 48271 % 2147483647
        yield state


def operations(seed: int, length: int) -> list[Op]:
    """A random sequence of pushes, re-keys and pops; ranks are often equal, so that ids decide."""
    draw = random_numbers(seed)
    held: list[int] = []
    ops: list[Op] = []
    heap: list[tuple[float, int]] = []
    for node in range(length):
        kind = ("push", "push", "rekey", "pop")[next(draw) // 8 % 4]
        rank = next(draw) // 8 % 9 / 8
        if kind == "push" or not held:
            ops.append(("push", rank, node))
            held.append(node)
        elif kind == "rekey":
            ops.append(("rekey", rank, held[next(draw) // 8 % len(held)]))
        else:
            held.remove(heap[0][1])
            ops.append(("pop", 0, 0))
        heap = apply_to_real_heap(heap, ops[-1])
    return ops


def apply_to_real_heap(heap: list[tuple[float, int]], op: Op) -> list[tuple[float, int]]:
    """What the real heapq makes of an operation."""
    kind, rank, node = op
    if kind == "pop":
        heapq.heappop(heap)
    elif kind == "push":
        heapq.heappush(heap, (rank, node))
    else:
        position = [item[1] for item in heap].index(node)
        old, heap[position] = heap[position], (rank, node)
        if heap[position] < old:
            heapq._siftdown(heap, 0, position)  # type: ignore[attr-defined]
        else:
            heapq._siftup(heap, position)  # type: ignore[attr-defined]
    return heap


def recording(seed: int, length: int = 36) -> dict[str, Any]:
    """Operations and the events of each."""
    ops = operations(seed, length)
    recorder = Recorder()
    return {"ops": ops, "events": [recorder.run(op) for op in ops]}


def digest(seed: int, length: int = 40) -> int:
    """All events of a sequence as one number: the CRC-32 of their JSON, the variables by name."""
    events = recording(seed, length)["events"]
    return zlib.crc32(json.dumps(events, separators=(",", ":"), sort_keys=True).encode())


def main() -> None:
    golden = {
        "routines": routines(),
        "cases": [recording(seed) for seed in range(12)],
        "digests": [digest(seed) for seed in range(1000)],
    }
    (HERE / "substeps.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
