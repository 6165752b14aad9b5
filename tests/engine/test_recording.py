"""Recording a net: whatever its forward does is seen."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from helpers.nets import Fn, graph_of
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

import heapwidget as hw
from heapwidget.engine.capture import Recording
from heapwidget.engine.walk.search import Walk


def in_place_on_views(x: Tensor) -> Tensor:
    y = x * 1.0
    y[:, 0] *= 2
    z = y.view(1, 3, 2)
    z += 1
    y.mul_(z.sum() > 0)
    y[:, 1:3].relu_()
    y.t_().add_(0.5)
    return y.t()


def writes_into_new(x: Tensor) -> Tensor:
    y = torch.zeros(1, 6, dtype=x.dtype)
    y[:, :3] = x[:, 3:]
    y[:, 3:].copy_(x[:, :3])
    y[:, [0, 2]] = y[:, [2, 0]] * 3
    return y


def in_place_on_x(x: Tensor) -> Tensor:
    x.mul_(2)
    x[:, 0] = 0
    return x


def data_dependent(x: Tensor) -> Tensor:
    for _ in range(3):
        x = x * 2 if x.sum() > 0 else x.flip(1) - 1
    return x[:, x[0] > x.mean()].sum(dim=1, keepdim=True).expand(1, 6)


FORWARDS = [in_place_on_views, writes_into_new, in_place_on_x, data_dependent]


@pytest.mark.parametrize("forward", FORWARDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_run_did(forward: Any, seed: int) -> None:
    """Gradient times input, less what is no input: the target is made up exactly, and x is not written into."""
    torch.manual_seed(seed)
    linear, x = nn.Linear(6, 3).double(), torch.randn(1, 6).double()
    given = x.clone()
    net = nn.Sequential(Fn(forward), linear)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e = hw.attribute(net, x, rule=hw.epsilon(0))
    assert torch.equal(x, given)
    assert e.ledger.target == pytest.approx(float(net(x.clone()).detach().max()))
    assert e.ledger.explained + e.ledger.absorbed_total == pytest.approx(e.ledger.target)


@pytest.mark.parametrize("forward", [writes_into_new, in_place_on_x], ids=lambda f: f.__name__)
def test_gradients_of_in_place_nets(forward: Any) -> None:
    linear, x = nn.Linear(6, 3).double(), torch.randn(1, 6).double()
    given, leaf = x.clone(), x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(linear(forward(leaf.clone())).sum(), leaf)
    e = hw.attribute(nn.Sequential(Fn(forward), linear), x, method="gradient")
    assert torch.equal(x, given)
    torch.testing.assert_close(e.attribution, expected)


def test_a_module_used_twice_is_two_layers() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.block(self.block(x).relu())

    labels = [layer.label for layer in graph_of(Twice(), torch.randn(1, 4)).layers]
    assert labels == ["input", "block1", "block2"]


class Output(dict):
    """Like the outputs of Hugging Face models."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"loss": t.sum(), "logits": t},
        lambda t: Output(logits=t),
        lambda t: type("Out", (), {"logits": t})(),
    ],
    ids=["dict", "mapping", "object"],
)
def test_outputs_with_logits(wrap: Any) -> None:
    linear, x = nn.Linear(4, 3), torch.randn(1, 4)
    plain = hw.attribute(linear, x)
    wrapped = hw.attribute(nn.Sequential(linear, Fn(wrap)), x)
    torch.testing.assert_close(wrapped.attribution, plain.attribution)
    gradient = hw.attribute(nn.Sequential(linear, Fn(wrap)), x, method="gradient")
    torch.testing.assert_close(gradient.attribution, linear.weight.detach().sum(dim=0)[None])


def test_compiled_and_parallel_nets_are_unwrapped() -> None:
    net, x = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), torch.randn(1, 4)
    plain = hw.attribute(net, x)
    for wrapped in (nn.DataParallel(net), torch.compile(net, backend="eager"), nn.DataParallel(nn.DataParallel(net))):
        e = hw.attribute(wrapped, x)
        assert [layer["label"] for layer in e.trace.header["layers"]] == ["input", "0", "2"]
        assert torch.equal(e.attribution, plain.attribution)


@pytest.mark.parametrize("cell", [nn.GRU, nn.LSTM, nn.RNN])
def test_recurrent_nets_add_up(cell: type) -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.cell, self.head = cell(5, 3, batch_first=True), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.cell(x)[0][:, -1])

    x = torch.randn(1, 4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e = hw.attribute(Last(), x)
    assert e.ledger.target == pytest.approx(float(Last().eval()(x).detach().max()), rel=1e-5)
    assert e.ledger.explained + e.ledger.absorbed_total == pytest.approx(e.ledger.target, rel=1e-4)


@pytest.mark.parametrize("cell", [nn.GRU, nn.LSTM, nn.RNN])
def test_recurrent_nets_are_taken_apart_in_every_float(cell: type) -> None:
    """In single precision a library would run the whole layer as one op, by other rules."""
    torch.manual_seed(0)
    net, x = cell(5, 3, num_layers=2, batch_first=True, bidirectional=True), torch.randn(1, 4, 5)
    enabled = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()

    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = net

        def forward(self, t: Tensor) -> Tensor:
            return self.cell(t)[0]

    ops = [[layer.op for layer in graph_of(Sequence().to(d), x.to(d)).layers] for d in (torch.float32, torch.float64)]
    assert ops[0] == ops[1]
    assert ops[0].count("linear") >= 4
    assert (torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()) == enabled


class Straight(torch.autograd.Function):
    """A rectifier of the old kind, its context in the forward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.mark_non_differentiable(x)
        ctx.slope = 1.0 if ctx.needs_input_grad[0] else 0.0
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


class Apart(torch.autograd.Function):
    """A rectifier of the new kind, its context set up apart."""

    @staticmethod
    def forward(x: Tensor, floor: float = 0.0) -> Tensor:
        return x.clamp(min=floor)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, None


@pytest.mark.parametrize("function", [Straight, Apart])
def test_custom_functions_are_seen_through(function: Any) -> None:
    first, last, x = nn.Linear(4, 5), nn.Linear(5, 2), torch.randn(1, 4)
    asked = torch._C._are_functorch_transforms_active
    plain = hw.attribute(nn.Sequential(first, nn.ReLU(), last), x)
    for apply in (function.apply, lambda t: function.apply(t)):
        custom = hw.attribute(nn.Sequential(first, Fn(apply), last), x)
        assert torch.equal(custom.attribution, plain.attribution)
    assert torch._C._are_functorch_transforms_active is asked


@pytest.mark.filterwarnings("ignore")
def test_checkpoints_are_seen_through() -> None:
    linear, x = nn.Linear(4, 2), torch.randn(1, 4)
    plain = hw.attribute(linear, x)
    for reentrant in (True, False):
        net = Fn(lambda t, r=reentrant: torch.utils.checkpoint.checkpoint(linear, t, use_reentrant=r))
        assert torch.equal(hw.attribute(net, x).attribution, plain.attribution)


def test_activations_that_no_flow_needs_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the walk begins, what convolutions and norms gave is gone: flows hold what stands behind the ReLU."""
    held: dict[str, list[StorageWeakRef]] = {}
    kept = Recording.let_go

    def note(recording: Recording) -> None:
        for call in recording.calls:
            out = call.out if isinstance(call.out, Tensor) else call.out[0]
            held.setdefault(call.name, []).append(StorageWeakRef(out.untyped_storage()))
        kept(recording)

    alive: dict[str, int] = {}

    def begin(walk: Walk, max_pops: int, tick: object) -> int:
        alive.update({name: sum(not ref.expired() for ref in refs) for name, refs in held.items()})
        return 0

    monkeypatch.setattr(Recording, "let_go", note)
    monkeypatch.setattr(Walk, "run", begin)
    block = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
    net = nn.Sequential(*block, nn.Conv2d(4, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    hw.attribute(net, torch.rand(1, 2, 6, 6))
    norm = next(name for name in alive if "batch_norm" in name)
    assert (alive["convolution"], alive[norm], alive["relu"]) == (0, 0, 2), alive
