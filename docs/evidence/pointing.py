"""Grid pointing (Böhle et al. 2021): which share of the positive relevance lies in the cell that shows the class."""

import time
from collections.abc import Callable, Iterator

import store
import torch
from sets import items, network, scores
from torch import Tensor, nn
from ways import Weights, contrast, grad_cam, input_x_gradient, integrated_gradients, walked, weights_of

CELLS = 4
MOSAICS = {"photos": 8, "digits": 25}

Find = Callable[[str, nn.Module, Tensor, Weights], Tensor]

# Name: whether the target is the class alone, against the rest, or against the classes of the three other cells.
WAYS: dict[str, tuple[str, Find]] = {
    "signed_head 0 rest": ("rest", walked("signed_head", 0)),
    "signed_head 0 contrast": ("contrast", walked("signed_head", 0)),
    "signed_head blur rest": ("rest", walked("signed_head", "blur")),
    "signed_head 0 class": ("class", walked("signed_head", 0)),
    "zplus 0 class": ("class", walked("zplus", 0)),
    "zplus": ("class", walked("zplus", None)),
    "zplus contrast": ("contrast", walked("zplus", None)),
    "input_x_gradient": ("class", input_x_gradient),
    "input_x_gradient contrast": ("contrast", input_x_gradient),
    "integrated_gradients": ("class", integrated_gradients(16)),
    "integrated_gradients contrast": ("contrast", integrated_gradients(16)),
    "grad_cam": ("class", grad_cam),
    "grad_cam contrast": ("contrast", grad_cam),
}


class Mean(nn.Module):
    """A network that looks at each of four cells alone and gives the mean of its scores."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = x.chunk(2, 2)
        cells = [cell for row in (top, bottom) for cell in row.chunk(2, 3)]
        return torch.stack([self.net(cell) for cell in cells]).mean(0)


def mosaic(tiles: list[Tensor]) -> Tensor:
    """Four pictures in two rows."""
    return torch.cat([torch.cat(tiles[:2], 3), torch.cat(tiles[2:], 3)], 2)


def mosaics(kind: str) -> Iterator[tuple[str, nn.Module, Tensor, list[int]]]:
    """Name, network, picture, and the class of each cell: no two cells show the same class."""
    net = network(kind)
    tiles = dict(items(kind))
    classes = {name: int(scores(net, x).argmax()) for name, x in tiles.items()}
    generator = torch.Generator().manual_seed(0)
    names = list(tiles)
    judge = net if kind == "photos" else Mean(net)
    made = 0
    while made < MOSAICS[kind]:
        chosen = [names[k] for k in torch.randperm(len(names), generator=generator)[:CELLS].tolist()]
        shown = [classes[name] for name in chosen]
        if len(set(shown)) == CELLS:
            made += 1
            yield "+".join(chosen), judge, mosaic([tiles[name] for name in chosen]), shown


def share(attribution: Tensor, cell: int) -> float:
    """The share of positive relevance in one cell; a quarter where there is none at all."""
    positive = attribution.sum(1)[0].clamp(min=0)
    top, bottom = positive.chunk(2, 0)
    cells = [part for row in (top, bottom) for part in row.chunk(2, 1)]
    total = float(positive.sum())
    return float(cells[cell].sum()) / total if total > 0 else 1 / CELLS


def pointed(kind: str, way: str, net: nn.Module, x: Tensor, shown: list[int]) -> list[float]:
    """The share of each cell's class."""
    target, find = WAYS[way]
    z, found = scores(net, x), []
    for cell, index in enumerate(shown):
        others = [other for other in shown if other != index]
        weights = contrast(index, others) if target == "contrast" else weights_of(target, z, index)
        found.append(share(find(kind, net, x, weights), cell))
    return found


def measure(kind: str) -> None:
    """All ways on all mosaics, as far as the file does not hold them; a digit's Grad-CAM would see one cell only."""
    for way in WAYS:
        if kind == "digits" and "grad_cam" in way:
            continue
        start, done = time.perf_counter(), store.done(f"pointing-{kind}", f"{way} 0")
        for name, net, x, shown in mosaics(kind):
            if name not in done:
                cells = {f"{way} {cell}": f"{s:.4f}" for cell, s in enumerate(pointed(kind, way, net, x, shown))}
                store.put(f"pointing-{kind}", {name: cells})
        print(f"pointing {kind}: {way} in {time.perf_counter() - start:.1f} s", flush=True)
