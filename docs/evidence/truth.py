"""Pictures in which the pixels that matter are known, after XAI-TRIS (Clark et al. 2024), and networks trained on them.

Eight by eight pixels of noise with two tetrominoes, a T and an L. `linear`: one of them is added; which one is the
class. `multiplicative`: one of them makes the noise louder. `xor`: both are added, each as light or as shade; the class
is whether they agree. What is measured is precision: how many of the first pixels of the order, as many as the
tetrominoes have, are theirs.
"""

import time
from functools import cache

import numpy as np
import store
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from ways import found_by, ranked, ways

SIDE, TRAIN, TEST, STEPS = 8, 4000, 100, 600
KINDS = ("linear", "multiplicative", "xor")
NAMES = (
    "signed_head 0 rest",
    "signed_head mean rest",
    "zplus 0 rest",
    "gamma 0 rest",
    "epsilon 0 rest",
    "zplus",
    "epsilon",
    "gradient",
    "input_x_gradient",
    "integrated_gradients",
    "brightness",
)
T_SHAPE, L_SHAPE = [(1, 1), (1, 2), (1, 3), (2, 2)], [(4, 5), (5, 5), (6, 5), (6, 6)]


def shapes() -> Tensor:
    """Both tetrominoes, (2, 8, 8)."""
    found = torch.zeros(2, SIDE, SIDE)
    for number, cells in enumerate((T_SHAPE, L_SHAPE)):
        for row, column in cells:
            found[number, row, column] = 1
    return found


def drawn(kind: str, count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (N, 1, 8, 8), classes, and the pixels that matter in each, as (N, 64) of truth values."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, SIDE, SIDE, generator=generator)
    t, ell = shapes()
    first, second = (torch.randint(2, (count, 1, 1), generator=generator) for _ in range(2))
    if kind == "linear":
        matter = torch.where(first == 0, t, ell)
        pictures, classes = noise + 2 * matter, first
    elif kind == "multiplicative":
        matter = torch.where(first == 0, t, ell)
        pictures, classes = noise * (1 + 4 * matter), first
    else:
        matter = (t + ell).expand(count, -1, -1)
        pictures, classes = noise + 2 * (2 * first - 1) * t + 2 * (2 * second - 1) * ell, (first == second).long()
    return pictures[:, None], classes.flatten().long(), matter.flatten(1) > 0


@cache
def trained(kind: str) -> nn.Module:
    """A small network that tells the classes apart."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 2))
    pictures, classes, _ = drawn(kind, TRAIN, seed=0)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=1e-3)
    for step in range(STEPS):
        batch = slice(step * 100 % TRAIN, step * 100 % TRAIN + 100)
        optimiser.zero_grad()
        F.cross_entropy(net(pictures[batch]), classes[batch]).backward()
        optimiser.step()
    return net.eval().requires_grad_(False)


def accuracy(kind: str) -> float:
    """On pictures that the network has not seen."""
    pictures, classes, _ = drawn(kind, 1000, seed=1)
    return float((trained(kind)(pictures).argmax(1) == classes).float().mean())


def precision(order: NDArray[np.int64], matter: Tensor) -> float:
    """The share of pixels that matter among as many of the first."""
    first = torch.from_numpy(order[: int(matter.sum())].copy())
    return float(matter[first].float().mean())


def measure() -> None:
    """All ways on all kinds, as far as the file does not hold them."""
    by_name = {way.name: way for way in ways()}
    for kind in KINDS:
        pictures, classes, matter = drawn(kind, TEST, seed=2)
        net, start = trained(kind), time.perf_counter()
        for name in NAMES:
            if f"{kind} 0" in store.done("truth", name):
                continue
            found = {}
            for number, (x, index, cells) in enumerate(zip(pictures, classes.tolist(), matter, strict=True)):
                order = ranked(found_by(by_name[name], "digits", net, x[None], index))
                found[f"{kind} {number}"] = {name: f"{precision(order, cells):.4f}"}
            store.put("truth", found)
        print(f"truth: {kind}, accuracy {accuracy(kind):.3f}, in {time.perf_counter() - start:.1f} s", flush=True)
