"""Ops that make no layer: where their entries come from is what the op itself does to numbered entries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from helpers.nets import Fn, graph_of, units, values
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.graph.layers import CONSTANT_ENTRY, PADDED

ORDER = torch.tensor([2, 0, 1])
MASK = torch.tensor([True, False, True, True])
X = values((1, 3, 4, 4), "both", 8)


MOVES = {
    "permute": lambda t: t.permute(0, 2, 3, 1),
    "transpose": lambda t: t.transpose(1, 3),
    "movedim": lambda t: t.movedim(1, 3),
    "flatten": lambda t: t.flatten(1),
    "unflatten": lambda t: t.flatten(1).unflatten(1, (4, 12)),
    "mT": lambda t: t.mT,
    "slice": lambda t: t[:, 1:, ::2, -3:],
    "select": lambda t: t[:, 1],
    "ellipsis and none": lambda t: t[..., None, 2],
    "fancy": lambda t: t[:, ORDER],
    "fancy in two": lambda t: t[:, ORDER, ORDER],
    "mask": lambda t: t[:, :, MASK],
    "mask of its own": lambda t: t[t > 0],
    "narrow": lambda t: t.narrow(2, 1, 2),
    "index_select": lambda t: t.index_select(1, ORDER),
    "gather": lambda t: t.gather(1, ORDER[None, :, None, None].expand(1, 3, 2, 4)),
    "take": lambda t: t.take(torch.tensor([5, 1, 40])),
    "take_along_dim": lambda t: t.take_along_dim(ORDER[None, :, None, None], 1),
    "chunk": lambda t: torch.cat(t.chunk(2, 2)[::-1], 1),
    "split": lambda t: torch.cat(t.split([1, 3], 3)[::-1], 3),
    "tensor_split": lambda t: torch.cat(t.tensor_split(3, 3)[::-1], 3),
    "unbind": lambda t: torch.stack(t.unbind(2)[::-1], 1),
    "stack": lambda t: torch.stack([t, t.flip(1)], 1),
    "hstack": lambda t: torch.hstack([t, t]),
    "dstack": lambda t: torch.dstack([t, t[:, :, :1]]),
    "roll": lambda t: t.roll((1, -2), (2, 3)),
    "roll flat": lambda t: t.roll(5),
    "flip": lambda t: t.flip((1, 3)),
    "rot90": lambda t: t.rot90(1, (2, 3)),
    "expand": lambda t: t[:, :1].expand(1, 5, 4, 4),
    "repeat": lambda t: t.repeat(1, 2, 1, 3),
    "tile": lambda t: t.tile(2),
    "repeat_interleave": lambda t: t.repeat_interleave(2, 1),
    "windows": lambda t: t.unfold(2, 2, 1).unfold(3, 3, 1),
    "diagonal": lambda t: t.diagonal(0, 2, 3),
    "pixel shuffle": lambda t: F.pixel_shuffle(t.reshape(1, 12, 2, 2), 2),
    "pixel unshuffle": lambda t: F.pixel_unshuffle(t, 2),
    "channel shuffle": lambda t: F.channel_shuffle(t.reshape(1, 6, 2, 4), 3),
    "nearest": lambda t: F.interpolate(t, scale_factor=2),
    "nearest, odd": lambda t: F.interpolate(t, size=(7, 3)),
    "nearest exact": lambda t: F.interpolate(t, size=(7, 3), mode="nearest-exact"),
    "nearest 1-D": lambda t: F.interpolate(t.flatten(2), size=9),
    "nearest 3-D": lambda t: F.interpolate(t.reshape(1, 3, 4, 2, 2), scale_factor=2),
    "reflected": lambda t: F.pad(t, (1, 2, 3, 0), mode="reflect"),
    "replicated": lambda t: F.pad(t, (1, 2, 3, 0), mode="replicate"),
    "circular": lambda t: F.pad(t, (1, 2, 3, 0), mode="circular"),
    "written in place": lambda t: t.clone().index_put_((torch.tensor([0]), ORDER), t[:, 0]),
    "dropout": lambda t: F.dropout(t, 0.5, training=False),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", MOVES)
def test_an_index_map_is_what_the_op_does_to_numbers(name: str) -> None:
    op = MOVES[name]
    numbered = torch.arange(X.numel(), dtype=torch.float64).reshape(X.shape)
    # The mask of its own must be that of X.
    expected = numbered[X > 0] if name == "mask of its own" else op(numbered)
    assert units(op, X) == expected.long().reshape(-1).tolist()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_index_maps_do_not_mind_how_tensors_lie_in_memory(memory: torch.memory_format) -> None:
    x = X.to(memory_format=memory)
    assert units(lambda t: t.permute(0, 2, 3, 1).reshape(1, -1), x) == units(MOVES["permute"], X)


@pytest.mark.filterwarnings("error")
def test_what_is_put_between_is_padding_or_constant() -> None:
    x = values((1, 2, 2), "both", 8)
    p, c = PADDED, CONSTANT_ENTRY
    assert units(lambda t: F.pad(t, (1, 0)), x) == [p, 0, 1, p, 2, 3]
    assert units(lambda t: F.unfold(t[None], 2, padding=(0, 1))[0], x) == [p, 0, 1, 0, 1, p, p, 2, 3, 2, 3, p]
    assert units(lambda t: torch.diag_embed(t[0, 0]), x)[::3] == [0, 1]
    assert units(lambda t: t.scatter(1, torch.tensor([[[1, 0]]]), 5.0), x) == [0, c, c, 3]
    assert units(lambda t: torch.zeros(1, 3, 2).double().scatter(1, torch.tensor([[[2, 0], [1, 1]]]), t), x) == [
        c, 1, 2, 3, 0, c,
    ]  # fmt: skip
    assert units(lambda t: torch.where(t > 100, t, 1.0), x) == [c] * 4
    assert units(lambda t: torch.where(t.bool(), t, t.flip(2)), x) == [0, 1, 2, 3]
    assert units(lambda t: torch.cat([t, torch.ones_like(t)], 1), x) == [0, 1, 2, 3, c, c, c, c]


ALONE = [
    *(nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(), nn.PReLU(), nn.PReLU(3), nn.RReLU(), nn.ELU(), nn.SELU(), nn.CELU()),
    *(nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.Hardsigmoid(), nn.Sigmoid()),
    *(nn.LogSigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.Hardtanh(), nn.Threshold(0.1, 0.0)),
    *(nn.Softshrink(), nn.Hardshrink(), nn.Identity(), nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout()),
    *(nn.BatchNorm2d(3), nn.InstanceNorm2d(3, affine=True), nn.InstanceNorm2d(3, track_running_stats=True)),
    *(nn.GroupNorm(3, 3), nn.LayerNorm([3, 4, 4]), nn.RMSNorm(4)),
    *(nn.Softmax(1), nn.LogSoftmax(1), nn.Softmax2d(), nn.Softmin(3)),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("module", ALONE, ids=repr)
def test_modules_on_each_unit_alone_make_no_layer(module: nn.Module) -> None:
    assert units(module.double(), X) == list(range(X.numel()))


@pytest.mark.parametrize(
    "op",
    [torch.round, torch.floor, torch.sign, torch.logit, torch.nan_to_num, lambda t: 2.0**t, lambda t: t.int().double()],
)
@pytest.mark.filterwarnings("error")
def test_functions_of_one_entry_make_no_layer(op: Callable[[Tensor], Tensor]) -> None:
    assert units(op, X.sigmoid() + 1) == list(range(X.numel()))


def test_entries_may_be_chosen_by_numbers_made_of_x() -> None:
    """Whole numbers that choose entries hold no units themselves."""
    x = torch.tensor([[0.0, 2.0, 1.0]]).double()
    assert units(lambda t: t.gather(1, t.long()), x) == [0, 2, 1]
    assert units(lambda t: t[0, t[0].long()], x) == [0, 2, 1]
    assert units(lambda t: t.take_along_dim(t.argsort(1), 1), x) == [0, 2, 1]
    with pytest.raises(ValueError, match="the output does not depend on x"):
        graph_of(Fn(lambda t: torch.arange(3.0)[t[0].long()]), x)


def test_a_table_of_embeddings_is_no_way_back_to_x() -> None:
    net = nn.Sequential(Fn(lambda t: t.long()), nn.Embedding(3, 4), nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(
        hw.UnsupportedOpError, match=r"aten\.embedding.* takes whole numbers made of x, and these have no"
    ):
        hw.attribute(net, torch.tensor([[0.0, 2.0, 1.0]]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate", "zeros"])
def test_convolutions_with_other_paddings(mode: str) -> None:
    """With epsilon 0, without biases and rectifiers, gradient times input."""
    torch.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1, padding_mode=mode, bias=False), nn.Flatten()).double()
    leaf = X.clone().requires_grad_()
    (grad,) = torch.autograd.grad(net(leaf)[0, 3], leaf)
    e = hw.attribute(net, X, target=3, rule=hw.epsilon(0), progress=False)
    torch.testing.assert_close(e.attribution, grad * X)


@pytest.mark.filterwarnings("error")
def test_sums_into_places_are_no_index_maps() -> None:
    """What comes together is shared, not copied."""
    at = torch.tensor([0, 1, 0, 2])
    nets = [
        lambda t: torch.zeros(4, dtype=t.dtype).index_put((at,), t[0], accumulate=True),
        lambda t: torch.zeros(4, dtype=t.dtype).index_add(0, at, t[0]),
        lambda t: torch.zeros(4, dtype=t.dtype).scatter_add(0, at, t[0]),
    ]
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).double()
    for net in nets:
        e = hw.attribute(Fn(net), x, target=lambda out: out.sum(), progress=False)
        torch.testing.assert_close(e.attribution, x)


PADS = {
    "flattened": lambda t: F.pad(t, (1, 0, 0, 2)).flatten(1),
    "twice": lambda t: F.pad(F.pad(t, (1, 1)), (0, 0, 2, 0)),
    "cut": lambda t: F.pad(t, (1, 2, 0, 1))[:, :, 1:, ::2],
    "negative": lambda t: F.pad(t, (-1, 2)),
    "permuted": lambda t: F.pad(t, (1, 1)).permute(0, 3, 1, 2),
    "joined": lambda t: torch.cat([F.pad(t, (1, 0)), F.pad(t, (0, 1))], 1),
    "channels": lambda t: F.pad(t, (0, 0, 0, 0, 1, 2)),
    "of a part": lambda t: F.pad(t[:, 1:], (1, 1)),
    "squashed": lambda t: F.pad(t, (2, 1)).relu().reshape(1, 3, -1),
    "repeated": lambda t: F.pad(t, (0, 0, 1, 0)).repeat(1, 1, 1, 2),
}


@pytest.mark.parametrize("op", PADS.values(), ids=PADS)
@pytest.mark.filterwarnings("error")
def test_padding_goes_on_like_any_other_entries(op: Callable[[Tensor], Tensor]) -> None:
    numbered = torch.arange(1.0, X.numel() + 1).reshape(X.shape)
    expected = op(numbered).long() - 1
    assert PADDED == -1
    assert units(op, X) == expected.reshape(-1).tolist()
