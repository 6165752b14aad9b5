"""Refusals of nets that cannot be recorded as they are, each with what follows its advice."""

from __future__ import annotations

import copy
from typing import Any

import torch
from helpers.advice import Row, X, attribute
from helpers.nets import Fn, mlp
from torch import Tensor, nn

import heapwidget as hw

FIRST, LAST = mlp(6, 6), mlp(6, 3)


@torch.library.custom_op("hw_advice::doubled_here", mutates_args=("t",))
def doubled_here(t: Tensor) -> None:
    """Writes into its argument, and has no form that does not."""
    t.mul_(2)


@torch.library.custom_op("hw_advice::doubled", mutates_args=())
def doubled(t: Tensor) -> Tensor:
    """Gives a new tensor."""
    return t * 2


class Alone(nn.Module):
    """Refuses to be followed, as modules do that run as one piece."""

    def forward(self, x: Tensor) -> Tensor:
        if self._forward_hooks:
            raise RuntimeError("a module in one piece takes no hooks")
        return x * 2


class Plain(nn.Module):
    """The same in plain tensor ops."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class AsOneOp(nn.Module):
    """The same as one op."""

    def forward(self, x: Tensor) -> Tensor:
        return doubled(x)


class Counting(nn.Module):
    """Each run gives something else."""

    def forward(self, x: Tensor) -> Tensor:
        RUNS.append(None)
        return x * len(RUNS)


RUNS: list[None] = []


def run(part: Any, **options: Any) -> Any:
    """A net with something in its midst."""
    module = part if isinstance(part, nn.Module) else Fn(part)
    return attribute(nn.Sequential(FIRST, module, LAST), X, target=0, **options)


def ruled(part: Any) -> Any:
    with hw.register_rule("hw_advice.doubled", "linear"):
        return run(part)


def writes(t: Tensor) -> Tensor:
    t = t.clone()
    doubled_here(t)
    return t


def next_bits(t: Tensor) -> Tensor:
    t = t.clone()
    t.view(torch.int32).add_(1)
    return t


def seeded(t: Tensor) -> Tensor:
    return torch._prims.rng_prims.run_and_save_rng_state(torch.ops.aten.sin.default, t)[1]


def listed(t: Tensor) -> Tensor:
    return torch.tensor(t.tolist()) * 2


ROWS = [
    Row(
        "the op hw_advice.doubled_here writes into a tensor in module '1' and has no form that does not; if it is "
        "yours, declare it to PyTorch as one that gives a new tensor, else rewrite that part of the net",
        lambda: run(writes),
        lambda: [ruled(doubled), run(lambda t: t * 2)],
    ),
    *(
        Row(
            "and nothing tells which number became which; rewrite that part of it with ops that give new tensors, such "
            "as clone()",
            lambda writing=writing: run(writing),
            lambda new=new: run(new),
        )
        for writing, new in (
            (next_bits, lambda t: t.clone() * (1 + 2**-23)),
            (lambda t: copy.deepcopy(t.detach()) + t, lambda t: t.clone() + t),
        )
    ),
    Row(
        "the net runs, but not while its ops are recorded (RuntimeError: a module in one piece takes no hooks); "
        "rewrite that part in plain tensor ops, or make one op of it with torch.library.custom_op and give that a rule "
        "with heapwidget.register_rule",
        lambda: run(Alone()),
        lambda: [run(Plain()), ruled(AsOneOp())],
    ),
    Row(
        "torch.ops.higher_order.run_and_save_rng_state hides the ops that it runs; write that part without it",
        lambda: run(seeded),
        lambda: run(torch.sin),
    ),
    Row(
        "does not give the same answer twice",
        lambda: run(Counting()),
        lambda: [run(Counting(), verify=False), run(Plain())],
    ),
    Row(
        "make it depend on its input alone, or pass verify=False to explain the recorded run",
        lambda: attribute(nn.Sequential(LAST, Counting()), X),
        lambda: [attribute(nn.Sequential(LAST, Counting()), X, verify=False), attribute(LAST, X)],
    ),
    Row(
        "the output does not depend on x by any tensor op, so there is nothing to explain; pass the net's real input "
        "as x, and keep to tensor ops on the way, out of which NumPy, item() and tolist() lead",
        lambda: run(listed),
        lambda: run(Plain()),
    ),
]
