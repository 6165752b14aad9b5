"""Entries summed by indices, segments, patches and grids: each flow against a dense twin, and nets pop by pop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import slow_twins as twins
from helpers.nets import Fn, graph_of, on_inputs, units, values
from helpers.rule_twins import RULES, twin_of_matrix
from helpers.twin_checks import CLOSE, assert_twins, last_flow, passed
from helpers.zoo_sums import CHAINS, Step
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.graph.layers import CONSTANT_ENTRY
from heapwidget.engine.ops import entries

Op = Callable[[Tensor], Tensor]

# Two rows of nodes see the same row, one sees none.
TO, FROM = torch.tensor([2, 0, 2, 0, 2]), torch.tensor([0, 1, 1, 3, 4])
PLACES = torch.tensor([[0, 3, 0], [1, 1, 0], [2, 0, 2], [3, 0, 0], [0, 0, 3]])
GRID = torch.rand(1, 3, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2.6 - 1.3
CUBE = torch.rand(1, 2, 2, 3, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2.6 - 1.3


def zeros(t: Tensor, *shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=t.dtype)


def segments(how: str, **options: bool) -> Op:
    return lambda t: zeros(t, 4, 3).scatter_reduce(0, PLACES, t, how, **options)


# By name: an op that sums entries with known weights, and the shape of x.
SUMS: dict[str, tuple[Op, tuple[int, ...]]] = {
    "index_add": (lambda t: zeros(t, 4, 3).index_add(0, TO, t), (5, 3)),
    "index_add in place": (lambda t: zeros(t, 4, 3).index_add_(0, TO, t, alpha=-2), (5, 3)),
    "index_add of columns": (lambda t: zeros(t, 3, 4).index_add(1, TO, t), (3, 5)),
    "index_add of planes": (lambda t: zeros(t, 2, 4, 2).index_add(1, TO, t), (2, 5, 2)),
    "messages": (lambda t: zeros(t, 4, 3).index_add(0, TO, t[FROM]), (5, 3)),
    "scatter_add": (lambda t: zeros(t, 4, 3).scatter_add(0, PLACES, t), (5, 3)),
    "scatter_add of a part": (lambda t: zeros(t, 4, 4).scatter_add(1, PLACES[:2], t), (5, 3)),
    "sum of segments": (segments("sum"), (5, 3)),
    "mean of segments": (segments("mean", include_self=False), (5, 3)),
    "mean with itself": (segments("mean"), (5, 3)),
    "index_reduce": (lambda t: zeros(t, 4, 3).index_reduce(0, TO, t, "mean", include_self=False), (5, 3)),
    "index_put": (lambda t: zeros(t, 4, 3).index_put((TO,), t, accumulate=True), (5, 3)),
    "index_put of pairs": (lambda t: zeros(t, 4, 3).index_put((TO, TO % 2), t, accumulate=True), (5,)),
    "fold": (lambda t: F.fold(t, (4, 5), (2, 3), stride=1), (1, 12, 9)),
    "fold with padding": (lambda t: F.fold(t, (4, 4), 3, dilation=1, padding=1, stride=2), (1, 9, 4)),
    "fold with gaps": (lambda t: F.fold(t, (5, 5), 2, dilation=2, stride=1), (1, 4, 9)),
    **{
        f"{mode} grid, {padding}, {'edges' if edges else 'centres'}": (
            lambda t, mode=mode, padding=padding, edges=edges: F.grid_sample(t, GRID, mode, padding, edges),
            (1, 2, 5, 4),
        )
        for mode in ("bilinear", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for edges in (True, False)
    },
    "grid in 3-D": (lambda t: F.grid_sample(t, CUBE, align_corners=False), (1, 2, 3, 2, 4)),
}


# The same beside constants.
SUMS |= {
    "index_add onto ones": (lambda t: torch.ones(4, 3, dtype=t.dtype).index_add(0, TO, t), (5, 3)),
    "a mean with ones": (lambda t: torch.ones(4, 3, dtype=t.dtype).scatter_reduce(0, PLACES, t, "mean"), (5, 3)),
    "index_put onto ones": (lambda t: -torch.ones(4, 3, dtype=t.dtype).index_put((TO,), -t, accumulate=True), (5, 3)),
    "constants into x": (lambda t: t.index_add(0, TO, torch.ones(5, 3, dtype=t.dtype)), (4, 3)),
    "a constant scattered": (lambda t: t.scatter(0, PLACES, 0.5, reduce="add"), (5, 3)),
}


def linear_part(op: Op, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The matrix of an op, and what it adds."""
    beside = op(torch.zeros(shape, dtype=torch.float64))
    return twins.dense(lambda u: op(u) - beside, shape), beside.numpy()


@pytest.mark.parametrize("sign", ["both", "sparse", "zero"])
@pytest.mark.parametrize("name", SUMS)
def test_sums(name: str, sign: str) -> None:
    op, shape = SUMS[name]
    x = values(shape, sign, 4)
    layer, flow = last_flow(op, x)
    if name == "messages":
        # Its operand holds the rows that are sent.
        op, x = SUMS["index_add"][0], x[FROM]
    matrix, beside = linear_part(op, tuple(x.shape))
    assert_twins(layer, flow, twins.by_weight(x.numpy(), matrix, beside))


@pytest.mark.parametrize("name", ["messages", "scatter_add", "fold with gaps"])
def test_what_lies_far_apart_is_sent_in_pieces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "SMALL", 0)
    monkeypatch.setattr(entries, "SPARE", 1)
    layer, flow = last_flow(SUMS[name][0], values(SUMS[name][1], "both", 4))
    boxes = [tuple(slice(i, i + 1) for i in at) for at in np.ndindex(*layer.shape)]
    assert max(len(flow.local(box, np.ones([1] * len(box)))[0]) for box in boxes) > 1
    test_sums(name, "both")


# Sums of several tensors made of x, and what is summed with numbers of both signs.
JOINED: dict[str, tuple[Op, tuple[int, ...]]] = {
    "rows into rows": (lambda t: t[:4].index_add(0, TO, t[4:]), (9, 3)),
    "rows into columns": (lambda t: t[:4].T.contiguous().index_add(1, TO[:4], t[4:].T, alpha=-3), (8, 3)),
    "entries into others": (lambda t: t[:2, :2].scatter_add(0, PLACES[:1, :2] % 2, t[2:]), (5, 3)),
    "means": (lambda t: t[:4].scatter_reduce(0, PLACES, t[4:], "mean"), (9, 3)),
    "means of others": (lambda t: t[:4].scatter_reduce(0, PLACES, t[4:], "mean", include_self=False), (9, 3)),
    "slices": (lambda t: t[:4].index_reduce(0, TO, t[4:], "mean"), (9, 3)),
    "put": (lambda t: t[:4].index_put((TO, TO % 3), t[4:, 0], accumulate=True), (9, 3)),
    "a frame of several": (lambda t: F.fold(t, (3, 3), 2), (2, 4, 4)),
}


@pytest.mark.filterwarnings("error", "ignore:index_reduce")
@pytest.mark.parametrize("sign", ["both", "positive"])
@pytest.mark.parametrize("name", JOINED)
def test_sums_of_several(name: str, sign: str) -> None:
    op, shape = JOINED[name]
    x = values(shape, sign, 5)
    r = values(tuple(op(x).shape), "both", 6)
    expected = r.numpy().ravel() @ twins.by_weight(x.numpy(), twins.dense(op, shape)).to[0]
    np.testing.assert_allclose(passed(Fn(op), x, r).ravel(), expected, **CLOSE)


MOVED: dict[str, tuple[Op, tuple[int, ...]]] = {
    "index_add": (lambda t: zeros(t, 6, 3).index_add(0, torch.tensor([4, 0, 1]), t, alpha=2), (3, 3)),
    "index_put": (lambda t: zeros(t, 4, 3).index_put((torch.tensor([2, 0]),), t[:1], accumulate=True), (2, 3)),
    "fold": (lambda t: F.fold(t, (4, 6), 2, stride=2), (1, 8, 6)),
    "nearest": (lambda t: F.grid_sample(t, GRID, "nearest", align_corners=False), (1, 2, 5, 4)),
}


@pytest.mark.filterwarnings("error", "ignore:index_reduce")
@pytest.mark.parametrize("name", MOVED)
def test_where_no_entries_meet_they_are_moved(name: str) -> None:
    op, shape = MOVED[name]
    matrix = twins.dense(op, shape)
    expected = [int(row.argmax()) if row.any() else CONSTANT_ENTRY for row in matrix]
    assert units(op, values(shape, "both", 4)) == expected


@pytest.mark.filterwarnings("error", "ignore:index_reduce")
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("lowest", [True, False])
def test_the_winner_of_a_segment_takes_all(lowest: bool, itself: bool) -> None:
    x = values((9, 3), "both", 7).round()
    how = "amin" if lowest else "amax"
    expected = []
    for i in range(4):
        for j in range(3):
            met = [(4 + k, j) for k in range(5) if PLACES[k, j] == i]
            met = [(i, j), *met] if itself or not met else met
            first = min(met, key=lambda at: (float(x[at]) if lowest else -float(x[at]), at))
            expected.append(first[0] * 3 + first[1])
    assert units(lambda t: t[:4].scatter_reduce(0, PLACES, t[4:], how, include_self=itself), x) == expected


@pytest.mark.filterwarnings("error", "ignore:index_reduce")
def test_slices_meet_like_entries() -> None:
    x = torch.tensor([[1.0, 5.0], [3.0, 2.0], [3.0, 4.0]]).double()
    at = torch.tensor([1, 0, 1])
    assert units(lambda t: zeros(t, 3, 2).index_reduce(0, at, t, "amax"), x) == [2, 3, 4, 1, *[CONSTANT_ENTRY] * 2]


@pytest.mark.parametrize("sign", ["both", "sparse", "zero"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_running_sums(axis: int, sign: str) -> None:
    x = values((1, 3, 4, 2), sign, 4)
    layer, flow = last_flow(lambda t: t.cumsum(1 + axis), x)
    matrix = twins.dense(lambda t: t.cumsum(axis), (3, 4, 2))
    shares = twins.by_weight(x.numpy(), matrix)
    assert_twins(layer, flow, twins.Shares(shares.to, {}))


@pytest.mark.parametrize("sign", ["both", "sparse", "zero"])
@pytest.mark.parametrize("order", [0.5, 1, 2, 3])
def test_norms(order: float, sign: str) -> None:
    """By the gradient of a norm, abs(x) ** order, which adds up to all of it, also of numbers that are tiny."""
    x = values((1, 3, 4), sign, 4) * 1e-170
    layer, flow = last_flow(lambda t: torch.linalg.vector_norm(t, order, dim=2), x)
    shares = twins.reduced((x[0].numpy() * 1e170) ** 0 * np.abs(x[0].numpy() * 1e170) ** order, [1])
    assert_twins(layer, flow, shares)


@pytest.mark.filterwarnings("error", "ignore:index_reduce")
def test_the_largest_takes_all_of_a_norm_by_size() -> None:
    x = torch.tensor([[1.0, -5.0, 3.0], [3.0, 2.0, -0.5]]).double()
    assert units(lambda t: torch.linalg.vector_norm(t, torch.inf, dim=1), x) == [1, 3]
    assert units(lambda t: torch.linalg.vector_norm(t, -torch.inf, dim=1), x) == [0, 5]


GRAPH = torch.tensor([[0, 2.0, -1, 0, 0], [0, 0, 0, 0, 0], [1, 0, -0.5, 3, 0], [0, 0, 0, 0, -2]]).double()
SPARSE: dict[str, tuple[Op, Op, tuple[int, ...]]] = {
    "on the left": (lambda t: GRAPH.to_sparse() @ t, lambda t: GRAPH @ t, (5, 3)),
    "its rows": (lambda t: torch.sparse.mm(GRAPH.to_sparse_csr(), t), lambda t: GRAPH @ t, (5, 3)),
    "on the right": (lambda t: t @ GRAPH.to_sparse_csr(), lambda t: t @ GRAPH, (3, 4)),
    "a vector": (lambda t: GRAPH.to_sparse() @ t, lambda t: (GRAPH @ t[:, None])[:, 0], (5,)),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SPARSE)
def test_sparse_products_follow_the_rule(name: str, rule: str) -> None:
    op, full, shape = SPARSE[name]
    x = values(shape, "both", 4)
    graph = graph_of(Fn(op), x)
    layer = graph.layers[-1]
    assert layer.make is not None
    matrix = twins.dense(full, shape)
    shares = twins.flat(matrix != 0) if rule == "flat" else twin_of_matrix(rule, x, matrix, np.zeros(len(matrix)))
    # Of several terms the bound is a sum of sizes.
    assert_twins(layer, layer.make(RULES[rule]), shares, exact_k="z_box" not in rule)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_what_is_added_to_a_sparse_product_is_a_sum() -> None:
    x, c = values((5, 3), "both", 4), torch.ones(4, 3).double()
    sparse = hw.attribute(
        Fn(lambda t: torch.sparse.addmm(c, GRAPH.to_sparse(), t, beta=2)), x, target=lambda o: o.sum()
    )
    full = hw.attribute(Fn(lambda t: GRAPH @ t + 2 * c), x, target=lambda o: o.sum())
    torch.testing.assert_close(sparse.attribution, full.attribution)
    assert sparse.ledger.explained + sparse.ledger.absorbed_total == pytest.approx(sparse.ledger.target)


EXPERTS = values((2, 4, 8), "both", 8)
GROUPED: dict[str, tuple[Op, tuple[int, ...]]] = {
    "rows": (lambda t: F.grouped_mm(t, EXPERTS.to(t), offs=torch.tensor([2, 5], dtype=torch.int32)), (5, 4)),
    "one has none": (lambda t: F.grouped_mm(t, EXPERTS.to(t), offs=torch.tensor([0, 5], dtype=torch.int32)), (5, 4)),
    "stacks": (lambda t: F.grouped_mm(t.reshape(2, 3, 4), EXPERTS.to(t)), (6, 4)),
    "columns": (
        lambda t: F.grouped_mm(t.reshape(2, 3, 4), EXPERTS[0].to(t), offs=torch.tensor([4, 8], dtype=torch.int32)),
        (6, 4),
    ),
    "inner": (
        lambda t: F.grouped_mm(t, EXPERTS.reshape(8, 8).to(t), offs=torch.tensor([4, 8], dtype=torch.int32)),
        (5, 8),
    ),
}


@pytest.mark.filterwarnings("error", "ignore:index_reduce")
@pytest.mark.parametrize("name", GROUPED)
def test_grouped_products_are_a_linear_layer_for_each_group(name: str) -> None:
    op, shape = GROUPED[name]
    x = values(shape, "both", 4)
    r = values(tuple(op(x.float()).shape), "both", 6)
    matrix = twins.dense(lambda u: op(u.float()).double(), shape)
    shares = twins.zplus(x.numpy().ravel(), matrix, np.zeros(len(matrix)), bias=False)
    np.testing.assert_allclose(passed(Fn(op), x, r).ravel(), r.numpy().ravel() @ shares.to[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_nodes_of_a_graph_are_its_positions(first: bool) -> None:
    """Whatever comes first: features are channels, so that a node is popped with all of them."""
    torch.manual_seed(0)
    before = nn.Linear(8, 8) if first else nn.Identity()
    sums = Fn(lambda t: t.new_zeros(4, 8).index_add(0, TO, t[FROM]))
    graph = graph_of(nn.Sequential(before, sums, nn.ReLU(), nn.Linear(8, 3)).double(), values((6, 8), "both", 1))
    assert [layer.channel_axis for layer in graph.layers] == [1] * len(graph.layers)


def shares_of(step: Step, x: Tensor) -> twins.Shares:
    """The dense twin of one step of a net."""
    matrix, beside = linear_part(step.op, tuple(x.shape))
    if step.ruled:
        return twins.zplus(x.numpy().ravel(), matrix, beside.ravel(), bias=False)
    return twins.by_weight(x.numpy(), matrix, beside)


@pytest.mark.filterwarnings("error", "ignore:.* lies on inputs that change it the other way")
@pytest.mark.parametrize("nodes", ["unit", "position", "tile", "layer"])
@pytest.mark.parametrize("name", CHAINS)
def test_nets_are_their_dense_twins_pop_by_pop(name: str, nodes: str) -> None:
    torch.manual_seed(3)
    make, shape = CHAINS[name]
    net, x = make().double().requires_grad_(False), values(shape, "both", 9)
    steps, given = list(net.steps), [x]
    for step in steps:
        given.append(step(given[-1]))
    to = [shares_of(step, seen).to[0] for step, seen in zip(steps, given[:-1], strict=True)]

    e = hw.attribute(net, x, target=1, nodes=nodes, floor=1e-4, max_pops=0, progress=False)
    assert e.relevance is not None
    walk = e.relevance.walk
    assert len(walk.graph.layers) == len(given)
    left = [np.zeros(t.numel()) for t in given]
    left[-1][1] = float(given[-1].reshape(-1)[1])
    whole = left[-1]
    for matrix in reversed(to):
        whole = whole @ matrix
    np.testing.assert_allclose(walk.sign * walk.finish().contributions[0].ravel(), whole, **CLOSE)
    for _ in range(200):
        if not walk.run(1):
            break
        node = walk.rows()[-1].node
        layer = int(np.searchsorted(walk.offsets, node, side="right")) - 1
        box = np.zeros(walk.graph.layers[layer].shape, bool)
        box[walk.partitions[layer].window(node - walk.offsets[layer])] = True
        moved = np.where(box.ravel(), left[layer], 0)
        left[layer] = left[layer] - moved
        left[layer - 1] = left[layer - 1] + moved @ to[layer - 1]
        np.testing.assert_allclose(on_inputs(walk).ravel(), left[0], **CLOSE)
    ledger = e.finish().ledger
    assert ledger.explained + ledger.absorbed_total == pytest.approx(ledger.target, rel=1e-6)


@pytest.mark.parametrize("how", ["sum", "amax"])
def test_places_made_of_x_hold_no_units(how: str) -> None:
    """As of all whole numbers that choose entries: what is counted there is constant."""
    ones = torch.ones(1, 3).double()

    def counted(t: Tensor) -> Tensor:
        return zeros(t, 1, 3).scatter_reduce(1, t.long(), ones, how)

    x = torch.tensor([[0.0, 2.0, 2.0]]).double()
    with pytest.raises(ValueError, match="the output does not depend on x"):
        graph_of(Fn(counted), x)
    ledger = hw.attribute(Fn(lambda t: t + counted(t)), x, target=2).ledger
    assert ledger.explained + ledger.absorbed_total == pytest.approx(ledger.target)


def test_frames_each_have_points_of_their_own() -> None:
    """Weights are the op's own: gradient x input of a positive map, by a bilinear grid."""
    points = torch.cat([GRID, GRID.flip(1)])

    def sampled(t: Tensor) -> Tensor:
        return F.grid_sample(t.reshape(2, 1, 5, 4), points.to(t), align_corners=True).reshape(1, -1)

    x = values((1, 40), "both", 3).abs().requires_grad_()
    sampled(x).sum().backward()
    assert x.grad is not None
    e = hw.attribute(Fn(sampled), x.detach(), target=lambda o: o.sum(), progress=False)
    torch.testing.assert_close(e.attribution, x.detach() * x.grad)


@pytest.mark.filterwarnings("error", "ignore:.* lies on inputs that change it the other way")
def test_a_mixture_of_experts_is_its_loop_over_experts() -> None:
    weights = EXPERTS.reshape(2, 4, 8).mT.contiguous().float()
    gate = values((8, 2), "both", 2).float()

    def mixture(grouped: bool) -> Op:
        def run(t: Tensor) -> Tensor:
            t = t[0]
            shares, chosen = (t @ gate).softmax(-1).max(-1)
            order = chosen.argsort(stable=True)
            ends = chosen.bincount(minlength=2).cumsum(0).int()
            sent, first = t[order], int(ends[0])
            if grouped:
                told = F.grouped_mm(sent, weights, offs=ends)
            else:
                told = torch.cat([sent[:first] @ weights[0], sent[first:] @ weights[1]])
            back = torch.zeros(7, 4).index_add(0, order, told.relu() * shares[order, None])
            return back.mean(0, keepdim=True)

        return run

    x = values((1, 7, 8), "both", 3).float()
    grouped, loop = (hw.attribute(Fn(mixture(kind)), x, target=1, progress=False) for kind in (True, False))
    torch.testing.assert_close(grouped.attribution, loop.attribution)
    assert grouped.ledger.explained + grouped.ledger.absorbed_total == pytest.approx(grouped.ledger.target, rel=1e-5)
    assert grouped.attribution.any()
