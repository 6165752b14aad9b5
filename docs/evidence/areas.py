"""Deletion and insertion: the probability of the class as its pixels are taken away, or given back, in order."""

import copy
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
import store
import torch
from numpy.typing import NDArray
from sets import items, network, scores
from torch import Tensor, nn
from ways import Way, found_by, ranked, ways

from heapwidget.arguments.baseline import stand_in
from heapwidget.boxes import positions
from heapwidget.findings.faithfulness import Trial
from heapwidget.findings.probe import Probe

FILLS: dict[str, float | str] = {"zero": 0.0, "blur": "blur"}
RANDOM, RANDOM_ORDERS = "random", 3
STEPS = {"digits": 50, "photos": 30}
# Small batches of photos stay in the processor's cache.
BATCH_SIZES = {"digits": 64, "photos": 2}
# How many items are measured before the files are written anew.
KEPT_EVERY = {"digits": 100, "photos": 1}

Order = NDArray[np.int64]


@cache
def judge(kind: str) -> nn.Module:
    """The network as it runs fastest: its many forward runs take most of the time."""
    return copy.deepcopy(network(kind)).to(memory_format=torch.channels_last) if kind == "photos" else network(kind)


def curve_areas(kind: str, x: Tensor, target: int, orders: list[Order], fill: float | str) -> list[tuple[float, float]]:
    """Deletion and insertion area of each order.

    They are areas under the probability itself, as Petsiuk et al. have it: as fractions of what a picture has, those of
    a class that the network is hardly sure of would outweigh all others.
    """
    part = positions(tuple(x.shape[1:]), 0)
    empty = stand_in(fill, x[0], part)
    trial = Trial(Probe(judge(kind), (tuple(x.shape),), target, None), [x[0]], [empty], [part], target, "probability")
    score, curves = trial.curves(orders, STEPS[kind], BATCH_SIZES[kind], progress=False)
    return [(score * c.deletion_area, score * c.insertion_area) for c in curves]


def by_chance(kind: str, x: Tensor, target: int, fill: float | str) -> tuple[float, float]:
    """The mean areas of some random orders."""
    rng = np.random.default_rng(1)
    orders = [rng.permutation(x[0, 0].numel()) for _ in range(RANDOM_ORDERS)]
    deletion, insertion = np.mean(curve_areas(kind, x, target, orders, fill), axis=0).tolist()
    return deletion, insertion


def areas_of(kind: str, way: Way | None, x: Tensor, fills: list[str]) -> list[tuple[float, float]]:
    """What one way, or chance, reaches on one input: deletion and insertion area for each fill."""
    target = int(scores(network(kind), x).argmax())
    if way is None:
        return [by_chance(kind, x, target, FILLS[fill]) for fill in fills]
    order = ranked(found_by(way, kind, network(kind), x, target))
    return [curve_areas(kind, x, target, [order], FILLS[fill])[0] for fill in fills]


def measure(kind: str, names: Sequence[str] = ()) -> None:
    """All ways, or some, on all digits or photographs, with both fills, as far as the files do not hold them."""
    for way in (*ways(), None):
        if names and (way.name if way else RANDOM) not in names:
            continue
        start, name = time.perf_counter(), way.name if way else RANDOM
        done = {fill: store.done(f"{kind}-{fill}", f"{name} deletion") for fill in FILLS}
        waiting = [(item, x) for item, x in items(kind) if any(item not in some for some in done.values())]
        for first in range(0, len(waiting), KEPT_EVERY[kind]):
            found: dict[str, dict[str, dict[str, str]]] = {fill: {} for fill in FILLS}
            for item, x in waiting[first : first + KEPT_EVERY[kind]]:
                fills = [fill for fill in FILLS if item not in done[fill]]
                for fill, pair in zip(fills, areas_of(kind, way, x, fills), strict=True):
                    cells = zip(("deletion", "insertion"), pair, strict=True)
                    found[fill][item] = {f"{name} {side}": f"{area:.4f}" for side, area in cells}
            for fill, cells_of in found.items():
                store.put(f"{kind}-{fill}", cells_of)
        print(f"{kind}: {name} in {time.perf_counter() - start:.1f} s", flush=True)
