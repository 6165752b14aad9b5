"""Write the golden files that Python and TypeScript both replay: `python tests/golden/make.py`.

`heapq_ops.json` holds random pushes, re-keys and pops with the array that CPython's `heapq` leaves after each. The
`trace_*.json` hold traces of small nets with the state at a few steps, replayed with `heapq`.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from helpers.replay import KeyedHeap, largest_first, replay, smallest_first  # noqa: E402

import heapwidget as hw  # noqa: E402
from heapwidget import boxes  # noqa: E402


def heapq_ops(seed: int, ascending: bool) -> dict[str, Any]:
    """One random sequence; keys are float32 and often equal, so ties are frequent."""
    rng = random.Random(seed)
    heap, ops, arrays = KeyedHeap(smallest_first if ascending else largest_first), [], []
    for node in range(60):
        kind = rng.choice(["push", "push", "rekey", "pop"])
        key = float(np.float32(rng.choice([rng.random(), rng.randrange(5) / 4])))
        if kind == "push" or not heap.items:
            ops.append(["push", key, node])
            heap.push(key, node)
        elif kind == "rekey":
            old = rng.choice(heap.items)[1]
            ops.append(["rekey", key, old])
            heap.rekey(key, old)
        else:
            ops.append(["pop"])
            heap.pop()
        arrays.append([[key, node] for node, key in heap.pairs])
    return {"order": "ascending" if ascending else "descending", "ops": ops, "arrays": arrays}


class PictureAndTable(nn.Module):
    """A net of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.wide, self.out = nn.Conv2d(1, 3, 3), nn.Linear(6, 4), nn.Linear(16, 3)

    def forward(self, picture: Tensor, table: Tensor) -> Tensor:
        seen = F.max_pool2d(F.relu(self.conv(picture)), 2).flatten(1)
        return self.out(torch.cat([seen, F.relu(self.wide(table))], 1))


def in_squares(net: nn.Module, x: Tensor, most: int, **options: Any) -> hw.Explanation:
    """An input that is told by so many squares at most."""
    usual, boxes.INPUT_SQUARES = boxes.INPUT_SQUARES, most
    try:
        return hw.attribute(net, x, **options)
    finally:
        boxes.INPUT_SQUARES = usual


def explanations() -> dict[str, hw.Explanation]:
    """A few small nets, one for each thing a replay must get right."""
    torch.manual_seed(0)
    conv = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(27, 8),
        nn.ReLU(),
        nn.Linear(8, 3),
    )
    mlp = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 4))
    image, vector = torch.rand(1, 1, 6, 6), torch.randn(1, 6)
    both = PictureAndTable()
    read = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(21, 2))
    embedded = torch.randn(1, 7, 4)
    best: dict[str, Any] = {"priority": "mass", "nodes": "unit", "floor": 1e-3}
    wave, low = best | {"priority": "wave"}, {"floor": 1e-4}
    return {
        "units": hw.attribute(conv, image, **best),
        "positions": hw.attribute(conv, image, **best | {"nodes": "position"}),
        "stopped": hw.attribute(conv, image, max_pops=12, **best),
        "negative": hw.attribute(conv, image, target=lambda out: -out.abs().sum(), **best),
        "negative_signed": hw.attribute(mlp, vector, target=lambda out: out.amin(), rule="epsilon", **best | low),
        "signed": hw.attribute(mlp, vector, rule="epsilon", **best | low),
        "wave": hw.attribute(conv, image, **wave),
        "wave_negative": hw.attribute(conv, image, target=lambda out: -out.abs().sum(), max_pops=25, **wave),
        "wave_signed": hw.attribute(conv, image, rule="epsilon", **wave | low),
        "wave_squares": in_squares(conv, image, 9, **wave),
        "wave_two_inputs": hw.attribute(both, (image, vector), **wave | {"nodes": "position"}),
        "ascending": hw.attribute(mlp, vector, method="gradient", order="ascending"),
        "article": hw.attribute(conv, image, method="gradient", order="ascending"),
        "five_steps": hw.attribute(conv, image, method="article"),
        "two_inputs": hw.attribute(both, (image, vector), target=lambda out: out.abs().sum(), max_pops=25, **best),
        "two_inputs_five_steps": hw.attribute(both, (image, vector), method="article"),
        "features": hw.attribute(mlp, vector, feature_names=[*"abc", "mean radius", "<b>", "six"], **best),
        "tokens": hw.attribute(read, embedded, tokens=["The", "cat", "sat", "on", "‘it’", "<i>", ""], **best),
    }


def trace_file(explanation: hw.Explanation) -> dict[str, Any]:
    """A trace with its states at about twenty steps and its nodes' labels."""
    trace = explanation.trace
    steps = sorted({*range(4), *np.linspace(0, trace.n_steps, 18).astype(int).tolist(), trace.phase_start("collect")})
    states = {}
    for step in steps:
        state = replay(trace, step)
        states[str(step)] = {
            "heap": [[node, key] for node, key in state.heap.pairs],
            "input": sorted([node, key] for node, key in state.input.items()),
            "selected": state.selected,
        }
    columns = {name: column.tolist() for name, column in trace.columns.items()}
    labels = [[node, trace.label(node)] for node in range(0, int(trace.node_offsets[-1]), 7)]
    return {"header": dict(trace.header), "columns": columns, "states": states, "labels": labels}


def main() -> None:
    ops = [heapq_ops(seed, ascending=seed % 2 == 1) for seed in range(20)]
    (HERE / "heapq_ops.json").write_text(json.dumps(ops, separators=(",", ":")) + "\n")
    for name, explanation in explanations().items():
        (HERE / f"trace_{name}.json").write_text(json.dumps(trace_file(explanation), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
