"""Write `substeps.json`: every comparison and write inside the heap, recorded as CPython runs heapq's own lines.

`python tests/golden/make_substeps.py` runs the routines that the code panel shows, over a list that notes each write
and items that note each comparison, with the line that asked for it.
"""

from __future__ import annotations

import heapq
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHOWN = HERE.parent.parent / "heapwidget" / "frontend" / "src" / "core" / "code.ts"

Op = tuple[str, float, int]


def routines() -> dict[str, list[str]]:
    """The text that the code panel shows, by name."""
    block = SHOWN.read_text(encoding="utf-8").split("ROUTINES = ")[1].split("} as const")[0] + "}"
    block = re.sub(r"^(\s*|\{ *)(\w+): \[", r'\1"\2": [', block, flags=re.MULTILINE)
    return json.loads(re.sub(r",(\s*[\]}])", r"\1", block))


class Recorder:
    """Runs the routines and notes what they do."""

    def __init__(self) -> None:
        self.events: list[list[Any]] = []
        self.heap = Watched(self)
        self._names: dict[str, Any] = {}
        for name, lines in routines().items():
            exec(compile("\n".join(lines), name, "exec"), self._names)

    def note(self, kind: str) -> None:
        """Keep the routine and the line that are running, and the array as it is."""
        frame = sys._getframe(2)
        nodes = [item[1] for item in self.heap]
        self.events.append([frame.f_code.co_name, frame.f_lineno - 1, kind, nodes])

    def run(self, op: Op) -> list[list[Any]]:
        """The events of one operation."""
        self.events = []
        kind, rank, node = op
        if kind == "pop":
            self._names["heappop"](self.heap)
        elif kind == "push":
            self._names["heappush"](self.heap, self.item(rank, node))
        else:
            position = [item[1] for item in self.heap].index(node)
            self._names["rekey"](self.heap, position, self.item(rank, node))
        return self.events

    def item(self, rank: float, node: int) -> Item:
        made = Item((rank, node))
        made.recorder = self
        return made


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


def operations(seed: int, length: int) -> list[Op]:
    """A random sequence; ranks are often equal, so that ids decide."""
    rng = random.Random(seed)
    held: list[int] = []
    ops: list[Op] = []
    for node in range(length):
        kind = rng.choice(["push", "push", "rekey", "pop"])
        rank = rng.choice([rng.random(), rng.randrange(5) / 4])
        if kind == "push" or not held:
            ops.append(("push", rank, node))
            held.append(node)
        elif kind == "rekey":
            ops.append(("rekey", rank, rng.choice(held)))
        else:
            held.remove(real_heap(ops)[0][1])
            ops.append(("pop", 0, 0))
    return ops


def real_heap(ops: list[Op]) -> list[tuple[float, int]]:
    """What the real heapq makes of the operations."""
    heap: list[tuple[float, int]] = []
    for kind, rank, node in ops:
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


def main() -> None:
    golden = {"routines": routines(), "cases": [recording(seed) for seed in range(24)]}
    (HERE / "substeps.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
