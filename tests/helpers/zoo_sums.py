"""Nets of the zoo that sum entries here and there: graphs, segments, patches, running sums, grids, experts."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from helpers.zoo_parts import IMAGE, TOKENS, Animals, Net, Shape
from torch import Tensor, nn

# Edges of a graph of five nodes; nobody tells the last one anything.
FROM, TO = torch.tensor([0, 1, 2, 3, 4, 0, 2]), torch.tensor([1, 2, 0, 2, 3, 2, 1])
SEGMENTS = torch.tensor([0, 1, 0, 2, 1])
POINTS = torch.rand(1, 3, 3, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 2.4 - 1.2


class Step(nn.Module):
    """One step of a net: an op, linear up to a bias, whose layer is `ruled` or not, and what comes before it."""

    def __init__(self, op: Callable[[Tensor], Tensor], ruled: bool = False) -> None:
        super().__init__()
        self.op, self.ruled = op, ruled

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Chain(nn.Module):
    """Steps one after the other."""

    def __init__(self, *steps: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Step(op, isinstance(op, nn.Module)) for op in steps)

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x


def messages(x: Tensor) -> Tensor:
    """What each node is told by its neighbours."""
    return torch.zeros_like(x).index_add(0, TO, x[FROM])


def by_segment(x: Tensor, how: str = "mean") -> Tensor:
    """Nodes of one graph, of a batch of three, together."""
    return x.new_zeros(3, x.shape[1]).scatter_reduce(0, SEGMENTS[:, None].expand_as(x), x, how, include_self=False)


def folded(x: Tensor) -> Tensor:
    """Patches of 3 by 3, two apart, put together where they overlap."""
    return F.fold(x, (7, 7), 3, stride=2)


def sampled(x: Tensor) -> Tensor:
    return F.grid_sample(x, POINTS.to(x), align_corners=False)


def on_nodes(op: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """An op on the nodes of the one graph of a batch."""
    return lambda x: op(x[0])[None]


def total(x: Tensor) -> Tensor:
    return x.sum(1)


# By name: a net whose every step is a layer, and the shape of its input.
CHAINS: dict[str, tuple[Callable[[], Chain], Shape]] = {
    "graph": (
        lambda: Chain(nn.Linear(8, 6), on_nodes(messages), nn.Linear(6, 6), on_nodes(messages), total, nn.Linear(6, 3)),
        TOKENS,
    ),
    "segment means": (lambda: Chain(nn.Linear(8, 6), on_nodes(by_segment), nn.Linear(6, 4), total), TOKENS),
    "patches": (
        lambda: Chain(
            nn.Sequential(nn.Conv2d(2, 9, 4, stride=2), nn.Flatten(2)),
            folded,
            nn.Sequential(nn.Conv2d(1, 2, 7), nn.Flatten()),
        ),
        IMAGE,
    ),
    "running sum": (lambda: Chain(nn.Linear(8, 6), lambda x: x.cumsum(1), nn.Linear(6, 4), total), TOKENS),
    "grid": (
        lambda: Chain(nn.Conv2d(2, 3, 3), sampled, nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten())),
        IMAGE,
    ),
}


def graph(net: Net, x: Tensor) -> Tensor:
    """Two layers of messages with what a node itself was, then a mean of all nodes."""
    h = x[0]
    for layer in (net.first, net.second):
        h = F.relu(layer(h)).index_add(0, TO, h[FROM])
    return net.out(h.mean(0, keepdim=True))


def segments(net: Net, x: Tensor) -> Tensor:
    """The mean and the largest of each segment."""
    h = F.relu(net.first(x[0]))
    return net.out(torch.cat([by_segment(h), by_segment(h, "amax")], 1).mean(0, keepdim=True))


def patchwork(net: Net, x: Tensor) -> Tensor:
    """Patches apart, each changed, and together again, over how many lie there."""
    patches = net.change(F.unfold(x, 4, stride=2).transpose(1, 2)).transpose(1, 2)
    size = {"output_size": (8, 8), "kernel_size": 4, "stride": 2}
    y = F.fold(F.relu(patches), **size) / F.fold(torch.ones_like(patches), **size)
    return net.out(y.flatten(1))


def running(net: Net, x: Tensor) -> Tensor:
    """A mean of all that came before, beside the token itself."""
    h = F.relu(net.first(x))
    before = h.cumsum(1) / torch.arange(1, 6, dtype=x.dtype)[:, None]
    return net.out(torch.cat([h, before], 2)[:, -1] + before.sum((1, 2))[:, None])


def looked_at(net: Net, x: Tensor) -> Tensor:
    """A map seen through a constant grid, and the length of what is seen there."""
    y = F.relu(sampled(net.first(x)))
    return net.out(y.norm(dim=1).flatten(1))


def experts(net: Net, x: Tensor) -> Tensor:
    """Each token by the expert that its gate prefers, weighed by the gate, and put back where it was."""
    shares, chosen = net.gate(x[0]).softmax(-1).max(-1)
    order = chosen.argsort(stable=True)
    stops = torch.bincount(chosen, minlength=2).cumsum(0)
    groups, weights = [0, *stops.tolist()], torch.stack([net.first.weight, net.second.weight]).mT
    parts = [x[0][order[groups[i] : groups[i + 1]]] @ weights[i] for i in range(2)]
    told = torch.cat(parts) * shares[order, None]
    return net.out(x.new_zeros(5, 8).index_put((order,), F.relu(told), accumulate=True).mean(0, keepdim=True))


def sparse_graph(net: Net, x: Tensor) -> Tensor:
    """Neighbours by a sparse matrix with weights of both signs."""
    near = torch.sparse_coo_tensor(torch.stack([TO, FROM]), torch.arange(-2.0, 5), (5, 5)).to(x)
    return net.out(F.relu(near @ net.first(x[0])).mean(0, keepdim=True))


SUMS: Animals = {
    "graph": (lambda: Net(graph, first=nn.Linear(8, 8), second=nn.Linear(8, 8), out=nn.Linear(8, 3)), TOKENS),
    "segments": (lambda: Net(segments, first=nn.Linear(8, 6), out=nn.Linear(12, 3)), TOKENS),
    "patchwork": (lambda: Net(patchwork, change=nn.Linear(32, 16), out=nn.Linear(64, 3)), IMAGE),
    "running mean": (lambda: Net(running, first=nn.Linear(8, 6), out=nn.Linear(12, 3)), TOKENS),
    "grid": (lambda: Net(looked_at, first=nn.Conv2d(2, 4, 3), out=nn.Linear(9, 3)), IMAGE),
    "experts": (
        lambda: Net(
            experts,
            gate=nn.Linear(8, 2),
            first=nn.Linear(8, 8, bias=False),
            second=nn.Linear(8, 8, bias=False),
            out=nn.Linear(8, 3),
        ),
        TOKENS,
    ),
    "sparse graph": (lambda: Net(sparse_graph, first=nn.Linear(8, 6), out=nn.Linear(6, 3)), TOKENS),
}
