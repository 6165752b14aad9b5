"""`method="article"`: the founding article's five steps, by hand, against a naive version, and on odd nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
import torch
from helpers.nets import each
from helpers.replay import replay
from helpers.zoo import ZOO, animal
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.methods import article as article_module


@pytest.fixture
def six_units() -> nn.Module:
    """Two inputs, three hidden units, one output, no biases."""
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[2.0, 1.0], [1.0, -1.0], [-1.0, 3.0]]))
        net[2].weight.copy_(torch.tensor([[2.0, 4.0, -1.0]]))
    return net


X1, X2, H1, H2, H3, T = range(6)


def heap_after(trace: hw.Explanation, step: int) -> dict[int, float]:
    return dict(replay(trace.trace, step).heap.pairs)


def test_six_units_by_hand(six_units: nn.Module) -> None:
    # x = (1, 2).  h1 = 2*1 + 1*2 = 4.  h2 = relu(1*1 - 1*2) = relu(-1) = 0.  h3 = -1*1 + 3*2 = 5.
    # t = 2*4 + 4*0 - 1*5 = 3.
    e = hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article")

    # Steps 1 and 2: activation x gradient.
    # dt/dt = 1: t 3*1 = 3.   dt/dh = (2, 4, -1): h1 4*2 = 8, h2 0*4 = 0, h3 5*-1 = -5.
    # dt/dx1 = 2*2 + 0 (h2 is off) - 1*-1 = 5: x1 1*5 = 5.   dt/dx2 = 2*1 + 0 - 1*3 = -1: x2 2*-1 = -2.
    assert heap_after(e, 0) == {X1: 5, X2: -2, H1: 8, H2: 0, H3: -5, T: 3}

    # Steps 3 to 5.
    # Pop h1, 8. Its children: x1 5 + 8 = 13, x2 -2 + 8 = 6.
    assert heap_after(e, 1) == {X1: 13, X2: 6, H2: 0, H3: -5, T: 3}
    # Pop x1, 13, then x2, 6: the input has no children.
    assert heap_after(e, 2) == {X2: 6, H2: 0, H3: -5, T: 3}
    assert heap_after(e, 3) == {H2: 0, H3: -5, T: 3}
    # Pop t, 3. Its children: h1 was popped; h2 0 + 3 = 3, h3 -5 + 3 = -2.
    assert heap_after(e, 4) == {H2: 3, H3: -2}
    # Pop h2, 3, then h3, -2: their children were popped.
    assert heap_after(e, 5) == {H3: -2}
    assert heap_after(e, 6) == {}
    assert e.trace.columns["pop_node"].tolist() == [H1, X1, X2, T, H2, H3]
    assert e.trace.columns["pop_mass"].tolist() == [8, 13, 6, 3, 3, -2]
    assert e.attribution.tolist() == [[13, 6]]
    assert e.order.tolist() == [X1, X2]


def test_six_units_by_hand_with_the_raw_gradient(six_units: nn.Module) -> None:
    e = hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article", contribution="gradient")
    # Gradients as above: t 1; h1 2, h2 4, h3 -1; x1 5, x2 -1.
    assert heap_after(e, 0) == {X1: 5, X2: -1, H1: 2, H2: 4, H3: -1, T: 1}
    # Pop x1, 5. Pop h2, 4: x1 was popped, x2 -1 + 4 = 3. Pop x2, 3. Pop h1, 2: both inputs were popped.
    # Pop t, 1: h3 -1 + 1 = 0. Pop h3, 0.
    assert e.trace.columns["pop_node"].tolist() == [X1, H2, X2, H1, T, H3]
    assert e.trace.columns["pop_mass"].tolist() == [5, 4, 3, 2, 1, 0]


def test_keys_are_replayed_and_selection_follows_the_pops(six_units: nn.Module) -> None:
    e = hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article")
    assert [e.selected(step).tolist() for step in (0, 1, 2, 3, 6)] == [
        [False, False],
        [False, False],
        [True, False],
        [True, True],
        [True, True],
    ]
    state = replay(e.trace, 3)
    assert state.input == {X1: 13, X2: 6}
    assert state.selected == [X1, X2]


# --- A naive version --------------------------------------------------------------------------------------------------


def naive_children(module: nn.Module, x: Tensor, j: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The units of `x` (unbatched) that unit j of the module's output reads."""
    if isinstance(module, nn.Linear):
        return list(np.ndindex(*x.shape))
    channels = range(x.shape[0])
    if isinstance(module, nn.Conv2d):
        size = x.shape[0] // module.groups
        group = j[0] // (module.out_channels // module.groups)
        channels = range(group * size, (group + 1) * size)
        kernel, stride, padding, dilation = module.kernel_size, module.stride, module.padding, module.dilation
    else:
        assert isinstance(module, nn.MaxPool2d | nn.AvgPool2d)
        channels = range(j[0], j[0] + 1)
        kernel, stride, padding, dilation = (module.kernel_size,) * 2, (module.stride,) * 2, (0, 0), (1, 1)
    places = []
    for axis in (0, 1):
        seen = [j[1 + axis] * stride[axis] - padding[axis] + k * dilation[axis] for k in range(kernel[axis])]
        places.append([i for i in seen if 0 <= i < x.shape[1 + axis]])
    return list(product(channels, *places))


def naive(net: nn.Sequential, x: Tensor, raw: bool) -> tuple[list[int], list[np.float32]]:
    """The five steps with dictionaries and `max`, unit by unit."""
    a = x.clone().requires_grad_()
    tensors, makers = [a], [nn.Identity()]
    for module in net:
        a = module(a)
        a.retain_grad()
        if isinstance(module, nn.ReLU):
            tensors[-1] = a
        elif not isinstance(module, nn.Flatten):
            tensors.append(a)
            makers.append(module)
    tensors[0].retain_grad()
    a.max().backward()
    first = np.cumsum([0, *(t.numel() for t in tensors)])
    keys, children = {}, {}
    for n, (t, maker) in enumerate(zip(tensors, makers, strict=True)):
        own = t.grad if raw else t * t.grad
        for flat, j in enumerate(np.ndindex(*t.shape[1:])):
            keys[int(first[n]) + flat] = np.float32(own[0][j].item())
            if n:
                below = tensors[n - 1][0]
                seen = naive_children(maker, below, j)
                children[int(first[n]) + flat] = [
                    int(first[n - 1] + np.ravel_multi_index(i, below.shape)) for i in seen
                ]
    popped, masses = [], []
    while keys:
        node = max(keys, key=lambda k: (keys[k], -k))
        mass = keys.pop(node)
        popped.append(node)
        masses.append(mass)
        for child in children.get(node, []):
            if child in keys:
                keys[child] = np.float32(keys[child] + mass)
    return popped, masses


NETS: dict[str, Callable[[], tuple[nn.Sequential, tuple[int, ...]]]] = {
    "mlp": lambda: (nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4), nn.ReLU(), nn.Linear(4, 3)), (1, 5)),
    "conv": lambda: (
        nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)),
        (1, 1, 4, 4),
    ),
    "dilated, grouped, strided": lambda: (
        nn.Sequential(
            nn.Conv2d(1, 4, 2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(4, 2, 3, stride=2, padding=1, groups=2),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(2, 2),
        ),
        (1, 1, 6, 6),
    ),
}


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NETS)
def test_agrees_with_a_naive_version(name: str, seed: int, raw: bool) -> None:
    torch.manual_seed(seed)
    net, shape = NETS[name]()
    x = torch.randn(shape)
    contribution = "gradient" if raw else "activation_x_gradient"
    e = hw.attribute(net, x, method="article", nodes="unit", contribution=contribution)
    popped, masses = naive(net, x, raw)
    np.testing.assert_allclose(e.trace.columns["pop_mass"], masses, rtol=1e-4, atol=1e-6)
    assert e.trace.columns["pop_node"].tolist() == popped


# --- What holds for any net -------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """A skip, a pool that is used twice, and a functional ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.a(x).relu())
        x = self.pool(x + self.b(x).relu_())
        return self.head(x.flatten(1))


@pytest.mark.parametrize("nodes", ["unit", "channel", "position", "layer", "auto", {"b": "channel"}])
def test_every_node_is_popped_once_in_the_order_of_its_heap(nodes: str | dict[str, str]) -> None:
    torch.manual_seed(0)
    net, x = Residual(), torch.randn(1, 3, 8, 8)
    e = hw.attribute(net, x, method="article", nodes=nodes)
    assert sorted(e.trace.columns["pop_node"].tolist()) == list(range(e.trace.node_offsets[-1]))
    assert len(replay(e.trace, e.trace.n_steps).heap.items) == 0
    assert sorted(e.order.tolist()) == list(range(64))
    # Channels of a position go together, and their sum is the key that it was popped with.
    sums = e.attribution.sum(dim=1).flatten()[torch.from_numpy(e.order)]
    keys = e.trace.columns["pop_mass"][e.trace.selecting]
    torch.testing.assert_close(sums, torch.from_numpy(keys.copy()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", list(ZOO))
def test_every_net_of_the_zoo(name: str) -> None:
    net, x = animal(name)
    e = hw.attribute(net, x, method="article")
    assert sorted(e.trace.columns["pop_node"].tolist()) == list(range(e.trace.node_offsets[-1]))
    assert len(replay(e.trace, e.trace.n_steps).heap.items) == 0
    # Where the gradient ends, so does its contribution; autograd through the very net says the same.
    own = []
    for part, one, gradient in zip(e.trace.partitions, each(x), gradients_of_largest(name, net, each(x)), strict=False):
        contribution = (one * gradient).numpy().reshape(part.shape)
        own.append(part.sums(contribution))
    start = [key for _, key in e.trace.header["start"][: e.trace.input_nodes]]
    np.testing.assert_allclose(start, np.concatenate(own), rtol=1e-4, atol=1e-5)


def largest(net: nn.Module, inputs: Sequence[Tensor]) -> Tensor:
    # A class is explained at the score below a softmax.
    ended = isinstance(net, nn.Sequential) and isinstance(net[-1], nn.Softmax)
    output = net[:-1](*inputs) if ended else net(*inputs)
    return (output if isinstance(output, Tensor) else output["logits"]).max()


def gradients_of_largest(name: str, net: nn.Module, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    if name != "in place on views":
        leaves = [x.clone().requires_grad_() for x in inputs]
        return torch.autograd.grad(largest(net, leaves), leaves, allow_unused=True, materialize_grads=True)
    # Autograd refuses what this net writes into: by differences.
    (x,) = inputs
    f = torch.func.functionalize(lambda a: largest(net, [a]))
    steps = 1e-6 * torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
    with torch.no_grad():
        return [torch.stack([(f(x + step) - f(x - step)) / 2e-6 for step in steps]).reshape(x.shape)]


def test_an_op_without_a_derivative_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_module, "_differentiable", lambda call, args, kwargs: call.op(*args, **kwargs))
    net, x = animal("in place on views")
    with pytest.raises(hw.UnsupportedOpError, match="needs a gradient through every op"):
        hw.attribute(net, x, method="article")


def test_starts_with_input_times_gradient() -> None:
    torch.manual_seed(0)
    net, x = Residual(), torch.randn(1, 3, 8, 8)
    e = hw.attribute(net, x, target=1, method="article")
    leaf = x.clone().requires_grad_()
    net(leaf)[0, 1].backward()
    own = dict(e.trace.header["start"])
    expected = (x * leaf.grad).sum(dim=1).flatten()
    torch.testing.assert_close(torch.tensor([own[i] for i in range(64)]), expected, rtol=1e-4, atol=1e-6)


def test_a_box_reads_what_its_units_read() -> None:
    # With one node a layer, each layer has one child a layer it reads: a skip has two.
    torch.manual_seed(0)
    e = hw.attribute(Residual(), torch.randn(1, 3, 8, 8), method="article", nodes="layer")
    graph_reads = {i: layer["reads"] for i, layer in enumerate(e.trace.header["layers"])}
    offsets, columns = e.trace.columns["log_offset"], e.trace.columns
    for row, node in enumerate(columns["pop_node"].tolist()):
        number = e.trace.layer_of(node)
        touched = {e.trace.layer_of(n) for n in columns["log_node"][offsets[row] : offsets[row + 1]].tolist()}
        assert touched <= set(graph_reads[number])


def test_ties_go_to_the_smaller_id() -> None:
    net = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1.0)
    e = hw.attribute(net, torch.ones(1, 3), method="article")
    # t = 3 first; each input has 1 + 3.
    assert e.trace.columns["pop_node"].tolist() == [3, 0, 1, 2]
    assert e.trace.columns["pop_mass"].tolist() == [3, 4, 4, 4]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).to(dtype), torch.randn(1, 4).to(dtype)
    e = hw.attribute(net, x, method="article")
    assert e.attribution.dtype == dtype
    assert e.attribution.shape == x.shape


def test_saved_and_loaded_it_is_the_same(six_units: nn.Module, tmp_path) -> None:  # type: ignore[no-untyped-def]
    e = hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article")
    e.save(tmp_path / "six.npz")
    again = hw.load(tmp_path / "six.npz")
    assert again.order.tolist() == e.order.tolist()
    assert again.selected(2).tolist() == e.selected(2).tolist()


def test_leaves_the_net_as_it_was(six_units: nn.Module) -> None:
    six_units.train()
    before = {name: p.clone() for name, p in six_units.named_parameters()}
    hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article")
    assert six_units.training
    assert all(p.grad is None and torch.equal(p, before[name]) for name, p in six_units.named_parameters())


def test_nothing_is_conserved(six_units: nn.Module) -> None:
    e = hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article")
    assert np.isnan(e.bound)
    with pytest.raises(ValueError, match="conserves nothing"):
        _ = e.ledger
    with pytest.raises(RuntimeError, match="no walk to continue"):
        e.refine()


def test_keys_that_outgrow_float32_are_refused() -> None:
    net = nn.Linear(3, 1, bias=False)
    nn.init.constant_(net.weight, 1.0)
    # t = 3e38, and 1e38 + 3e38 is more than 3.4e38.
    with pytest.raises(ValueError, match="after 1 pops they exceed what float32 holds"):
        hw.attribute(net, torch.full((1, 3), 1e38), method="article")


def test_too_many_keys_are_refused(monkeypatch: pytest.MonkeyPatch, six_units: nn.Module) -> None:
    monkeypatch.setattr(article_module, "LOG_LIMIT", 2)
    with pytest.raises(ValueError, match="take coarser nodes"):
        hw.attribute(six_units, torch.tensor([[1.0, 2.0]]), method="article")


def test_the_choice_of_contribution_is_checked(six_units: nn.Module) -> None:
    x = torch.tensor([[1.0, 2.0]])
    with pytest.raises(ValueError, match="contribution='grad' is not one of"):
        hw.attribute(six_units, x, method="article", contribution="grad")
    with pytest.raises(ValueError, match="is for method='article'"):
        hw.attribute(six_units, x, contribution="gradient")
    with pytest.raises(ValueError, match="order='ascending'"):
        hw.attribute(six_units, x, method="article", order="ascending")


def test_the_articles_lenet() -> None:
    digits = hw.samples.digits()
    x = digits.images[:1].float().reshape(1, 1, 28, 28) / 255
    e = hw.attribute(hw.samples.lenet(), x, method="article")
    assert e.trace.n_steps == e.trace.node_offsets[-1]
    assert e.pops["layer"][0] == "fc3"


class Gated(nn.Module):
    """What only gates a signal makes no layer; the signal's activation is what passed the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.signal, self.head = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.sigmoid(self.gate(x)) * self.signal(x))


def test_a_gated_signal() -> None:
    torch.manual_seed(0)
    net, x = Gated(), torch.randn(1, 3)
    e = hw.attribute(net, x, target=0, method="article")
    labels = [layer["label"] for layer in e.trace.header["layers"]]
    assert "signal" in labels
    first = int(e.trace.node_offsets[labels.index("signal")])
    own = dict(e.trace.header["start"])
    expected = torch.sigmoid(net.gate(x)) * net.signal(x) * net.head.weight[0]
    torch.testing.assert_close(torch.tensor([own[first + i] for i in range(4)]), expected.detach()[0])


def test_an_attention_block() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    net = nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 2))
    e = hw.attribute(net, torch.randn(1, 5, 8), method="article")
    assert len(replay(e.trace, e.trace.n_steps).heap.items) == 0
    assert sorted(e.order.tolist()) == list(range(5))
