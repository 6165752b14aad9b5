"""Whatever goes on around a call and inside a forward: the right numbers, or one sentence."""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from helpers.nets import Fn
from helpers.snapshots import switches
from torch import Tensor, nn
from torch.nn.attention.flex_attention import flex_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import heapwidget as hw

X = torch.randn(1, 4, generator=torch.Generator().manual_seed(3))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = switches()
    yield
    assert switches() == before


class Doubling(TorchFunctionMode):
    """Meddles with every function of PyTorch's that multiplies."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        return out * 2 if func in {torch.mul, Tensor.mul, torch.matmul} else out


class Counting(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "mode", [Doubling, Counting, lambda: FlopCounterMode(display=False)], ids=["function", "dispatch", "flops"]
)
def test_modes_of_others_change_nothing(mode: Callable[[], Any]) -> None:
    plain = hw.attribute(net(), X)
    model = net()
    with mode():
        e = hw.attribute(model, X)
        e.refine(max_pops=5, floor=0)
    assert torch.equal(e.attribution, plain.attribution)


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_a_default_device_is_not_the_engines(device: str, method: str, tmp_path: Any) -> None:
    plain, model = hw.attribute(net(), X, method=method), net()
    before = torch.get_default_device()
    torch.set_default_device(device)
    try:
        e = hw.attribute(model, X, method=method)
        if method == "relevance":
            e.refine(max_pops=10, floor=0).paths(2)
            e.faithfulness(steps=3, progress=False)
        attribution = e.attribution
        e.summary()
        e.plot()
        e.view().close()
        e.save(tmp_path / "e.npz")
        hw.load(tmp_path / "e.npz")
    finally:
        torch.set_default_device(before if before.type != "cpu" else None)
    assert torch.equal(attribution, plain.attribution)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_default_dtype_changes_nothing(dtype: torch.dtype) -> None:
    plain, model = hw.attribute(net(), X), net()
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        e = hw.attribute(model, X)
    finally:
        torch.set_default_dtype(before)
    assert torch.equal(e.attribution, plain.attribution)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: torch.func.vmap(f)(X),
        lambda f: torch.func.grad(lambda x: f(x).sum())(X),
        lambda f: torch.func.functionalize(f)(X),
        lambda f: torch.func.jvp(f, (X,), (X,)),
    ],
    ids=["vmap", "grad", "functionalize", "jvp"],
)
def test_a_call_inside_a_transform_is_refused(transform: Callable[[Any], Any]) -> None:
    model = net()
    with pytest.raises(ValueError, match=r"inside a transform of torch\.func.*call it outside"):
        transform(lambda x: hw.attribute(model, x).attribution)


def test_an_explained_forward_inside_an_explained_forward() -> None:
    class Attends(nn.Module):
        """Weighs its input by what another net makes of it."""

        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = net(), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x * hw.attribute(self.inner, x, progress=False).attribution)

    model = Attends()
    e = hw.attribute(model, X, target=1)
    assert e.ledger.target == pytest.approx(float(model(X)[0, 1].detach()), rel=1e-5)
    assert [layer["label"] for layer in e.trace.header["layers"]] == ["input", "head"]


def through(f: Callable[[Tensor], Tensor]) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 4), Fn(f), nn.Linear(4, 2))


def energy(h: Tensor) -> Tensor:
    with torch.enable_grad():
        point = h.detach().requires_grad_()
        return h * torch.autograd.grad((point**3).sum(), point)[0]


class Forces(nn.Module):
    """The gradient of an energy with respect to the input, as in physics."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x.requires_grad_()
        return torch.autograd.grad(self.inner(x).tanh().sum(), x)[0]


compiled = torch.compile(lambda h: h.relu() + 1, backend="eager")


def branches(h: Tensor) -> Tensor:
    return torch.ops.higher_order.cond(h.sum() > -9, lambda a: (a * 2,), lambda a: (a * 3,), (h,))[0]


def attends(h: Tensor) -> Tensor:
    tokens = h.reshape(1, 1, 4, 1).repeat(1, 1, 1, 16)
    return flex_attention(tokens, tokens, tokens)[..., 0].reshape(1, 4)


HABITS: dict[str, nn.Module] = {
    "autograd.grad": through(energy),
    "forces": Forces(),
    "vmap": through(torch.func.vmap(lambda a: a * 2 + a.sum())),
    "grad": through(torch.func.grad(lambda a: (a**3).sum())),
    "jvp": through(lambda h: torch.func.jvp(torch.sin, (h,), (h,))[1]),
    "functionalize": through(torch.func.functionalize(lambda a: a.add_(1))),
    "compiled function": through(compiled),
    "compiled module": nn.Sequential(nn.Linear(4, 4), torch.compile(nn.Linear(4, 4), backend="eager"), nn.Linear(4, 2)),
    "cond": through(
        lambda h: torch.ops.higher_order.cond(h.sum() > -9, lambda a: (a * 2,), lambda a: (a * 3,), (h,))[0]
    ),
    "flex attention": through(
        lambda h: flex_attention(*[h.view(1, 1, 4, 1).expand(1, 1, 4, 16)] * 3)[..., 0].view(1, 4)
    ),
    "scripted module": nn.Sequential(torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU())), nn.Linear(4, 2)),
    "inference mode": through(torch.inference_mode()(lambda h: h.clone().relu_() + 1)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HABITS)
def test_what_goes_on_inside_a_forward(name: str) -> None:
    model = HABITS[name]
    with torch.no_grad() if name in {"inference mode", "flex attention"} else contextlib.nullcontext():
        want = copy.deepcopy(model).eval()(X.clone())
    e = hw.attribute(model, X, target=1, progress=False)
    assert e.ledger.target == pytest.approx(float(want[0, 1].detach()), rel=1e-4, abs=1e-6)
    assert e.ledger.explained + e.ledger.absorbed_total == pytest.approx(e.ledger.target, rel=1e-4, abs=1e-6)


NAMES = [
    "modules",
    "children",
    "training",
    "parameters",
    "named_modules",
    "named_parameters",
    "buffers",
    "eval",
    "train",
]
NAMES += [
    "state_dict",
    "to",
    "apply",
    "forward_hooks",
    "T",
    "double",
    "zero_grad",
    "requires_grad_",
    "_values",
    "owned",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_attributes_may_be_called_anything(name: str, method: str) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = nn.Linear(4, 4), nn.Linear(4, 3)
            vars(self)[name] = [2.0]
            self.child = nn.Sequential(nn.Linear(4, 4))
            self._modules["child"]._modules[name] = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.child(self.inner(x))) * 2.0

    model = Odd()
    e = hw.attribute(model, X, target=1, method=method, progress=False)
    assert e.trace.header["target"]["value"] == pytest.approx(float(model(X)[0, 1].detach()), rel=1e-5)


def test_a_net_that_is_not_the_same_twice_is_refused_with_its_module() -> None:
    count = itertools.count()

    class Moody(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + next(count)

    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), Moody()), nn.Linear(4, 2))
    with pytest.raises(hw.UnsupportedOpError, match=r"same answer twice.*the module '1\.1' is the first to differ"):
        hw.attribute(model, X)
    assert hw.attribute(model, X, verify=False).ledger.target


def test_a_hook_that_takes_itself_off_stays() -> None:
    model = nn.Sequential(nn.Linear(4, 2))

    def once(_module: nn.Module, _args: Any, out: Tensor) -> Tensor:
        handle.remove()
        return out * 2

    handle = model[0].register_forward_hook(once)
    plain = float((model[0].forward(X) * 2).max().detach())
    assert hw.attribute(model, X).ledger.target == pytest.approx(plain)
    assert hw.attribute(model, X).ledger.target == pytest.approx(plain)
    assert len(model[0]._forward_hooks) == 1


def test_a_merge_of_weights_on_the_way_to_eval_mode_is_the_copys() -> None:
    class Merging(nn.Linear):
        """Adds a part of its weights to the rest when it goes to eval mode, as adapters do."""

        def __init__(self) -> None:
            super().__init__(4, 2)
            self.more, self.merged = nn.Parameter(torch.ones(2, 4)), False

        def train(self, mode: bool = True) -> Merging:
            super().train(mode)
            if not mode and not self.merged:
                self.weight.data += self.more
                self.merged = True
            return self

        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight if self.merged else self.weight + self.more
            return nn.functional.linear(x, weight, self.bias)

    model = Merging()
    weight, answer = model.weight.detach().clone(), float(model(X).max().detach())
    assert hw.attribute(model, X).ledger.target == pytest.approx(answer, rel=1e-5)
    assert torch.equal(model.weight, weight)
    assert model.training
    assert not model.merged


ELSEWHERE = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()


class Borrowing(nn.Module):
    """Uses an attention layer that is none of its modules."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(ELSEWHERE(x[:, None])[:, 0])


@pytest.mark.parametrize("grad", [True, False])
def test_attention_from_elsewhere_is_recorded_in_plain_ops(grad: bool) -> None:
    net = Borrowing().eval()
    own = nn.Sequential(nn.Unflatten(1, (1, 4)), ELSEWHERE, nn.Flatten(1), net.head)
    with torch.set_grad_enabled(grad):
        e = hw.attribute(net, X, target=1, progress=False)
        torch.testing.assert_close(e.attribution, hw.attribute(own, X, target=1, progress=False).attribution)
    assert e.ledger.target == pytest.approx(float(net(X)[0, 1].detach()), rel=1e-5)
