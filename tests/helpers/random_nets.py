"""Random small nets for hypothesis: chains with skips, concatenations, reused modules, views and in-place ops."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

Past = list[Tensor]


class Step(nn.Module):
    """One step of a net: a function of all tensors so far, with the modules it needs."""

    def __init__(self, f: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.f, self.parts = f, nn.ModuleList(modules)

    def forward(self, past: Past) -> Tensor:
        return self.f(past, *self.parts)


class Net(nn.Module):
    """Steps one after the other; gives the last one's result."""

    def __init__(self, steps: list[Step], names: list[str]) -> None:
        super().__init__()
        self.steps, self.names = nn.ModuleList(steps), names

    def forward(self, *inputs: Tensor) -> Tensor:
        past = list(inputs)
        for step in self.steps:
            past.append(step(past))
        return past[-1]

    def __repr__(self) -> str:
        return f"Net({' '.join(self.names)})"


def _on_last(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda past, *parts: f(past[-1], *parts)


def _in_place(h: Tensor) -> Tensor:
    y = h.clone()
    y[:, :1] *= 2
    y.view(1, -1)[:, ::3] += 0.25
    return y.relu_()


def _same_shape(past: Past, i: int) -> Tensor | None:
    found = [t for t in past[:-1] if t.shape == past[-1].shape]
    return found[i % len(found)] if found else None


def _same_size(past: Past, i: int) -> Tensor | None:
    """An earlier tensor of as many positions, of few channels."""
    found = [t for t in past[:-1] if t.shape[2:] == past[-1].shape[2:] and t.shape[1] + past[-1].shape[1] <= 6]
    return found[i % len(found)] if found else None


SQUASHES: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky": lambda h: F.leaky_relu(h, 0.1),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "inplace": _in_place,
    "dropout": lambda h: F.dropout(h, 0.5, training=False),
    "scaled": lambda h: h * -1.5 / 2,
    "shifted": lambda h: h + 0.3,
    "turned": lambda h: h.permute(0, 1, 3, 2).contiguous(),
    "flipped": lambda h: h.flip(2),
    "shuffled": lambda h: h.reshape(1, -1).roll(3, 1).view(h.shape),
    "padded": lambda h: F.pad(h, (1, 0, 0, 1), value=0.5),
    "cut": lambda h: h[:, :, :, 1:] if h.shape[3] > 2 else h * 1,
    "normed": lambda h: F.group_norm(h, 1) if h.numel() > 1 else h * 1,
    "upsampled": lambda h: F.interpolate(h, scale_factor=2, mode="bilinear") if h.numel() < 30 else h * 1,
    "detour": lambda h: h.reshape(1, h.shape[1], -1).unsqueeze(0).squeeze(0).reshape(h.shape),
}
PAIRS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "skip": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "gate": lambda a, b: a * torch.sigmoid(b),
    "maximum": torch.maximum,
}
MEETINGS = PAIRS | {"join": lambda a, b: torch.cat([b, a], 1)}
WINDOWS = ["max_pool", "avg_pool", "adaptive"]
CONVS = ["conv", "conv", "conv", "conv_bn", "twice", "grouped", "transposed"]
KINDS = [*CONVS, *CONVS, "relu", "relu", *SQUASHES, *MEETINGS, "skip", "skip", "concat", "join", "again", *WINDOWS]
HEADS = ["flat", "mean", "hidden"]


def step(kind: str, past: Past, n: int) -> Step | None:
    """A step of a kind, `n` choosing its variant; `None` where it does not fit what is there."""
    h = past[-1]
    channels, height, width = h.shape[1:]
    if kind in SQUASHES:
        return Step(_on_last(SQUASHES[kind]))
    if kind in MEETINGS:
        find = _same_size if kind == "join" else _same_shape
        return None if find(past, n) is None else Step(lambda p: MEETINGS[kind](p[-1], find(p, n)))
    if kind == "concat":
        if channels > 3:
            return None
        return Step(lambda p: torch.cat([p[-1], p[-1].flip(3)], 1) if n % 2 else torch.cat([p[-1], p[-1] * 2], 1))
    if kind in WINDOWS:
        if min(height, width) < 2:
            return None
        pools = {
            "max_pool": nn.MaxPool2d(2, 1 + n % 2, ceil_mode=n % 3 == 0),
            "avg_pool": nn.AvgPool2d(2, 1 + n % 2, padding=n % 2),
            "adaptive": nn.AdaptiveAvgPool2d((1 + n % 2, 2)),
        }
        return Step(_on_last(lambda t, pool: pool(t)), pools[kind])
    return _convolution(kind, h, n)


def _convolution(kind: str, h: Tensor, n: int) -> Step:
    """A step of one of `CONVS`."""
    channels, height, width = h.shape[1:]
    if kind == "twice":
        conv = nn.Conv2d(channels, channels, 3, padding=1)
        return Step(_on_last(lambda t, c: c(c(t).relu())), conv)
    outs, size = 1 + n % 3, min(1 + n % 3, height, width)
    if kind == "grouped":
        return Step(_on_last(lambda t, c: c(t)), nn.Conv2d(channels, channels, size, padding=n % 2, groups=channels))
    if kind == "transposed":
        return Step(_on_last(lambda t, c: c(t)), nn.ConvTranspose2d(channels, outs, size, stride=1 + n % 2))
    parts = [nn.Conv2d(channels, outs, size, stride=1 + n % 2, padding=n % 2, bias=n % 5 > 0)]
    if kind == "conv_bn":
        parts.append(nn.BatchNorm2d(outs))
    return Step(_on_last(lambda t, *modules: nn.Sequential(*modules)(t)), *parts)


def _again(steps: list[Step], past: Past, n: int) -> Step | None:
    """An earlier step, with the same modules; `None` where none takes what is there."""
    for earlier in steps[n % len(steps) :] if steps else []:
        with torch.no_grad(), contextlib.suppress(RuntimeError, TypeError):
            earlier(past)
            return earlier
    return None


def _randomised(module: nn.Module) -> None:
    """Weights and statistics of both signs, biases that matter."""
    with torch.no_grad():
        for m in module.modules():
            for p in m.parameters(recurse=False):
                p.copy_(torch.randn(p.shape) * (0.7 if p.ndim > 1 else 0.4))
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.5)
                m.running_var.uniform_(0.5, 2)


@st.composite
def nets(
    draw: st.DrawFn,
    dtype: torch.dtype = torch.float64,
    side: int = 5,
    length: int = 6,
    kinds: list[str] = KINDS,
    heads: list[str] = HEADS,
) -> tuple[Net, Tensor]:
    """A net in eval mode that ends in a linear head of three outputs, and an input for it."""
    seed = draw(st.integers(0, 10**6))
    torch.manual_seed(seed)
    x = torch.randn(1, draw(st.integers(1, 2)), side, side)
    x = x * (torch.rand(x.shape) > 0.2)
    past, steps, names = [x], [], []

    def append(new: Step, name: str) -> None:
        if new not in steps:
            _randomised(new)
        new.eval()
        steps.append(new)
        names.append(name)
        with torch.no_grad():
            past.append(new(past))

    for _ in range(draw(st.integers(1, length))):
        kind, n = draw(st.sampled_from(kinds)), draw(st.integers(0, 29))
        new = _again(steps, past, n) if kind == "again" else step(kind, past, n)
        if new is not None and past[-1].numel() < 150:
            append(new, f"{kind}{n}")
    head = draw(st.sampled_from(heads))
    h = past[-1]
    if head == "mean":
        append(Step(_on_last(lambda t, linear: linear(t.mean(dim=(2, 3)))), nn.Linear(h.shape[1], 3)), head)
    elif head == "flat":
        append(Step(_on_last(lambda t, linear: linear(t.flatten(1))), nn.Linear(h[0].numel(), 3)), head)
    else:
        parts = nn.Linear(h[0].numel(), 5), nn.Linear(5, 3)
        append(Step(_on_last(lambda t, a, b: b(F.relu(a(t.flatten(1)), inplace=True))), *parts), head)
    return Net(steps, names).to(dtype).eval(), x.to(dtype)


TOKEN_SQUASHES: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "shifted": lambda h: h + torch.linspace(-1, 1, h.shape[2], dtype=h.dtype),
    "positions": lambda h: h + torch.linspace(-1, 1, h.shape[1], dtype=h.dtype)[:, None],
    "class token": lambda h: torch.cat([h.new_ones(1, 1, h.shape[2]), h], 1),
    "windows": lambda h: h.unfold(1, 2, 1).mean(3),
    "heads": lambda h: h.unflatten(2, (1, -1)).transpose(1, 2).flatten(1, 2) * 0.5,
    "turned": lambda h: h.mT.contiguous(),
    "inplace": lambda h: h.clone().mul_(2).clamp_(min=-1),
}
TOKEN_KINDS = ["linear", "linear", "mixer", "norm", "attention", *TOKEN_SQUASHES, *PAIRS, "skip", "skip"]


def token_step(kind: str, past: Past, n: int) -> Step | None:
    """A step on tokens (1, T, D)."""
    tokens, size = past[-1].shape[1:]
    if kind in TOKEN_SQUASHES:
        return None if kind == "windows" and tokens < 2 else Step(_on_last(TOKEN_SQUASHES[kind]))
    if kind in PAIRS:
        return None if _same_shape(past, n) is None else Step(lambda p: PAIRS[kind](p[-1], _same_shape(p, n)))
    if kind == "linear":
        return Step(_on_last(lambda t, a: a(t)), nn.Linear(size, size if n % 2 else 1 + n % 4, bias=n % 5 > 0))
    if kind == "mixer":
        return Step(_on_last(lambda t, a: a(t.mT).mT), nn.Linear(tokens, 1 + n % 4))
    if kind == "norm":
        return Step(_on_last(lambda t, a: a(t)), nn.LayerNorm(size, elementwise_affine=n % 2 > 0))
    parts = [nn.Linear(size, size) for _ in range(3)]
    return Step(_on_last(lambda t, q, k, v: (q(t) @ k(t).mT / 2).softmax(-1) @ v(t)), *parts)


@st.composite
def token_nets(
    draw: st.DrawFn, dtype: torch.dtype = torch.float64, length: int = 5, kinds: list[str] = TOKEN_KINDS
) -> tuple[Net, Tensor]:
    """A net on tokens that ends in a linear head of three outputs, and an input for it."""
    torch.manual_seed(draw(st.integers(0, 10**6)))
    x = torch.randn(1, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    past, steps, names = [x], [], []
    for _ in range(draw(st.integers(1, length))):
        kind, n = draw(st.sampled_from(kinds)), draw(st.integers(0, 29))
        new = token_step(kind, past, n)
        if new is not None and past[-1].numel() < 40:
            _randomised(new)
            steps.append(new)
            names.append(f"{kind}{n}")
            with torch.no_grad():
                past.append(new(past))
    how = draw(st.sampled_from(["mean", "first", "flat"]))
    read = {"mean": lambda t: t.mean(1), "first": lambda t: t[:, 0], "flat": lambda t: t.flatten(1)}[how]
    head = Step(_on_last(lambda t, a: a(read(t))), nn.Linear(read(past[-1]).shape[1], 3))
    _randomised(head)
    return Net([*steps, head], [*names, how]).to(dtype).eval(), x.to(dtype)


JOINS = ["take up", "join", "add mean"]


def joining_step(kind: str, past: Past, n: int) -> Step | None:
    """A step that takes up another tensor: an input, or one that was made before."""
    i = n % len(past)
    if kind == "take up":
        return Step(lambda p: p[i])
    if kind == "add mean":
        return Step(lambda p: p[-1] + p[i].mean())
    return Step(lambda p: torch.cat([p[i], p[-1]], 1)) if past[i].shape[2:] == past[-1].shape[2:] else None


@st.composite
def joined_nets(
    draw: st.DrawFn,
    dtype: torch.dtype = torch.float64,
    length: int = 6,
    kinds: list[str] = KINDS,
    joins: list[str] = JOINS,
) -> tuple[Net, tuple[Tensor, ...]]:
    """A net of one to three images, whose steps take up each other's results; the head reads several of them."""
    torch.manual_seed(draw(st.integers(0, 10**6)))
    sides = [draw(st.sampled_from([4, 4, 4, 3])) for _ in range(draw(st.integers(1, 3)))]
    inputs = tuple(torch.randn(1, draw(st.integers(1, 2)), side, side) for side in sides)
    inputs = tuple(x * (torch.rand(x.shape) > 0.2) for x in inputs)
    past, steps, names = list(inputs), [], []
    for _ in range(draw(st.integers(1, length))):
        kind, n = draw(st.one_of(st.sampled_from(kinds), st.sampled_from(joins))), draw(st.integers(0, 29))
        new = (joining_step if kind in joins else step)(kind, past, n)
        if new is not None and past[-1].numel() < 100:
            _randomised(new)
            new.eval()
            steps.append(new)
            names.append(f"{kind}{n}")
            with torch.no_grad():
                past.append(new(past))
    read = sorted({len(past) - 1, *draw(st.lists(st.integers(0, len(past) - 1), max_size=2))})
    size = sum(past[i].numel() for i in read)
    head = Step(lambda p, linear: linear(torch.cat([p[i].flatten(1) for i in read], 1)), nn.Linear(size, 3))
    _randomised(head)
    net = Net([*steps, head], [*names, f"read{read}"]).to(dtype).eval()
    return net, tuple(x.to(dtype) for x in inputs)
