"""The strongest flows from the target to the input, against all flows worked out one by one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path as FilePath

import numpy as np
import pytest
import torch
from helpers.zoo import ZOO, animal
from torch import Tensor, nn

import heapwidget as hw


class Fork(nn.Module):
    """A skip, a concatenation with padding, and a layer that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.twice, self.head = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 3, padding=1), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x).relu()
        y = x + self.twice(x).relu()
        y = torch.cat([y, self.twice(y)], dim=1)
        return self.head(nn.functional.avg_pool2d(y, 2).flatten(1))


def mlp() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), torch.rand(1, 3)


def conv() -> tuple[nn.Module, Tensor]:
    layers = [nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)]
    return nn.Sequential(*layers), torch.rand(1, 1, 5, 5)


def fork() -> tuple[nn.Module, Tensor]:
    return Fork(), torch.rand(1, 2, 4, 4)


NETS: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {"mlp": mlp, "conv": conv, "fork": fork}


def all_paths(e: hw.Explanation) -> dict[tuple[int, ...], float]:
    """Every path with its share, by walking down from the target through dense matrices of unit messages."""
    assert e.relevance is not None
    walk, trace = e.relevance.walk, e.trace
    graph, n_units = walk.graph, [layer.n_units for layer in walk.graph.layers]
    offsets = np.cumsum([0, *n_units])
    node_of = np.concatenate(
        [p.node_of_unit.reshape(-1) + o for p, o in zip(trace.partitions, trace.node_offsets, strict=False)]
    )

    def units_of(layer: int, operand: int) -> np.ndarray:
        return graph.units(graph.layers[layer].operands[operand]).numpy().reshape(-1)

    # What passes through each unit, and from unit to unit, from the top layer down.
    passed, moved = np.zeros(offsets[-1]), np.zeros((offsets[-1], offsets[-1]))
    ids = graph.units(graph.output).numpy().reshape(-1)
    seeds = e.relevance.seeds.reshape(-1) * walk.sign
    passed[ids] += seeds
    for number in range(len(n_units) - 1, 0, -1):
        layer, flow = graph.layers[number], walk.flows[number]
        for unit in range(n_units[number]):
            r = torch.zeros(n_units[number], dtype=graph.dtype)
            r[unit] = passed[offsets[number] + unit]
            for operand, message in enumerate(flow.whole(r.reshape(layer.shape))[0]):
                to, values = units_of(number, operand), message.reshape(-1).numpy()
                real = to >= 0
                np.add.at(moved[offsets[number] + unit], to[real], values[real])
                np.add.at(passed, to[real], values[real])

    n_nodes = int(trace.node_offsets[-1])
    held = np.bincount(node_of, passed, minlength=n_nodes)
    between = np.zeros((n_nodes, n_nodes))
    np.add.at(between, (node_of[:, None].repeat(len(node_of), 1), node_of[None].repeat(len(node_of), 0)), moved)

    found: dict[tuple[int, ...], float] = {}

    def down(way: tuple[int, ...], flow: float) -> None:
        if way[-1] < trace.node_offsets[1]:
            found[way] = flow
            return
        for below in np.flatnonzero(between[way[-1]] > 0).tolist():
            down((*way, below), flow * between[way[-1], below] / held[way[-1]])

    starts = np.bincount(node_of[ids], seeds, minlength=n_nodes) / seeds.sum()
    for node in np.flatnonzero(starts > 0).tolist():
        down((node,), starts[node])
    return found


@pytest.mark.parametrize("nodes", ["unit", "channel", "position", "layer"])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NETS)
def test_agrees_with_every_path_worked_out(name: str, seed: int, nodes: str) -> None:
    torch.manual_seed(seed)
    net, x = (a.double() for a in NETS[name]())
    e = hw.attribute(net, x, nodes=nodes)
    every = all_paths(e)
    ranked = sorted(every.values(), reverse=True)
    for k in (1, 3, 20):
        paths = e.paths(k)
        assert len(paths) == min(k, len(every))
        np.testing.assert_allclose([p.share for p in paths], ranked[: len(paths)], rtol=1e-9)
        for path in paths:
            assert path.share == pytest.approx(every[path.nodes], rel=1e-9)
            assert path.relevance == pytest.approx(path.share * e.ledger.target, rel=1e-9)
        assert len({p.nodes for p in paths}) == len(paths)


@pytest.mark.parametrize("target", [None, lambda out: -out.relu().sum()], ids=["largest", "negative"])
@pytest.mark.parametrize("name", NETS)
def test_all_paths_add_up_to_the_contributions(name: str, target: Callable[[Tensor], Tensor] | None) -> None:
    torch.manual_seed(3)
    net, x = (a.double() for a in NETS[name]())
    e = hw.attribute(net, x, target=target)
    ends = np.zeros(e.trace.partitions[0].n_nodes)
    paths = e.paths(10**9)
    for path in paths:
        ends[path.nodes[-1]] += path.relevance
    whole = tuple(slice(0, s) for s in e.trace.partitions[0].shape)
    _, expected = e.trace.partitions[0].fold(whole, e.attribution.numpy().reshape(e.trace.partitions[0].shape))
    np.testing.assert_allclose(ends, expected.reshape(-1), rtol=1e-9, atol=1e-12)
    assert sum(p.relevance for p in paths) == pytest.approx(e.ledger.explained, rel=1e-9)


def test_a_path_by_hand() -> None:
    # h1 = 2*1 + 1*2 = 4, h2 = 1*1 + 1*2 = 3; t = 3*4 + 1*3 = 15.
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[2.0, 1.0], [1.0, 1.0]]))
        net[2].weight.copy_(torch.tensor([[3.0, 1.0]]))
    e = hw.attribute(net, torch.tensor([[1.0, 2.0]]))
    # To h1 go 12/15, and from there 2/4 to each input. To h2 go 3/15, from there 1/3 to x1 and 2/3 to x2.
    assert [(p.nodes, round(p.relevance, 5)) for p in e.paths(9)] == [
        ((4, 2, 0), 6.0),
        ((4, 2, 1), 6.0),
        ((4, 3, 1), 2.0),
        ((4, 3, 0), 1.0),
    ]
    first = e.paths(1)[0]
    assert first.labels == tuple(e.trace.label(n) for n in (4, 2, 0))
    assert first.windows == ((slice(0, 1),), (slice(0, 1),), (slice(0, 1),))
    assert first.share == pytest.approx(0.4)
    assert str(first) == f"40 %  {' → '.join(first.labels)}"


def test_paths_go_from_the_output_to_the_input_through_layers_that_read_one_another() -> None:
    torch.manual_seed(0)
    e = hw.attribute(*fork())
    reads = [layer["reads"] for layer in e.trace.header["layers"]]
    for path in e.paths(10):
        layers = [e.trace.layer_of(node) for node in path.nodes]
        assert layers[0] == len(reads) - 1
        assert layers[-1] == 0
        assert all(below in reads[above] for above, below in pairwise(layers))
        windows = zip(path.windows, layers, strict=True)
        assert all(len(w) == len(e.trace.header["layers"][n]["shape"]) for w, n in windows)


def test_the_walk_may_stop_anywhere() -> None:
    torch.manual_seed(0)
    net, x = conv()
    whole = hw.attribute(net, x, floor=0.0).paths(4)
    stopped = hw.attribute(net, x, max_pops=2)
    assert stopped.paths(4) == whole
    assert stopped.refine(2).paths(4) == whole


def test_nothing_to_follow() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    assert hw.attribute(net, torch.zeros(1, 2)).paths(3) == []
    assert hw.attribute(net, torch.rand(1, 2), target=[(0, 0.0)]).paths(3) == []


def test_refusals(tmp_path: FilePath) -> None:
    torch.manual_seed(0)
    net, x = mlp()
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        hw.attribute(net, x).paths(0)
    with pytest.raises(RuntimeError, match="no flows to follow"):
        hw.attribute(net, x, method="gradient").paths(1)
    hw.attribute(net, x).save(tmp_path / "a.npz")
    with pytest.raises(RuntimeError, match=r"a file or a copy .* keeps the trace, not the net"):
        hw.load(tmp_path / "a.npz").paths(1)


@pytest.mark.parametrize("name", list(ZOO))
def test_every_net_of_the_zoo(name: str) -> None:
    net, x = animal(name)
    e = hw.attribute(net, x)
    try:
        paths = e.paths(3)
    except ValueError as error:
        # Ops without a rule share by gradient x input, which has both signs.
        assert "can pass on negative shares" in str(error)  # noqa: PT017
        return
    ends = np.abs(e.trace.columns["contribution"]).sum()
    assert len(paths) == 3 or ends == pytest.approx(0, abs=1e-12)
    assert all(0 < p.share <= 1 + 1e-9 for p in paths)


def test_on_the_articles_lenet() -> None:
    x = hw.samples.digits().images[:1].float().reshape(1, 1, 28, 28) / 255
    paths = hw.attribute(hw.samples.lenet(), x).paths(5)
    assert len(paths) == 5
    assert [p.share for p in paths] == sorted((p.share for p in paths), reverse=True)
    assert paths[0].labels[0].startswith("fc3")
    assert paths[0].labels[-1].startswith("pixel")
