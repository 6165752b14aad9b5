"""Two rules for transformers that others proposed, as gradient times input on a network whose backward pass is changed.

CP-LRP: Ali et al. 2022, "XAI for Transformers": attention weights and the statistics of norms count as constants.
AttnLRP: Achtibat et al. 2024: softmax keeps its gradient, and a product of two gives half to each. Both here with the
rule `epsilon` in linear layers, and a function of one unit passes its relevance on whole.
"""

import copy
import math
from collections.abc import Callable

import torch
from helpers.evidence.dino import Attention, ViT
from torch import Tensor, nn


class Whole(nn.Module):
    """A function of one unit as a product with a constant."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        near = x.detach().abs() < 1e-6
        factor = self.act(x.detach()) / torch.where(near, torch.ones_like(x), x.detach())
        return x * torch.where(near, torch.full_like(x, 0.5), factor)


class Still(nn.Module):
    """A norm whose deviation counts as a constant."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = (x.var(-1, keepdim=True, unbiased=False) + self.norm.eps).sqrt().detach()
        return centred / deviation * self.norm.weight + self.norm.bias


class Held(Attention):
    """Attention whose weights count as constants."""

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1).detach() @ v


class Halved(Attention):
    """Attention in which each factor of a product gets half."""

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = part(q, 4), part(k, 4), part(v, 2)
        return (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v


def part(x: Tensor, of: int) -> Tensor:
    """The same number, with a part of its gradient."""
    return x / of + (x - x / of).detach()


def changed(vit: ViT, attention: type[Attention]) -> ViT:
    """A copy with another backward pass."""
    vit = copy.deepcopy(vit)
    for block in vit.blocks:
        block.attention.__class__ = attention
        block.act = Whole(block.act)
        block.norm1, block.norm2 = Still(block.norm1), Still(block.norm2)
    vit.norm = Still(vit.norm)
    return vit


def cp_lrp(vit: ViT) -> Callable[[Tensor], Tensor]:
    """From an input to its relevance by CP-LRP."""
    return relevance_of(changed(vit, Held))


def attn_lrp(vit: ViT) -> Callable[[Tensor], Tensor]:
    """From an input to its relevance by AttnLRP."""
    return relevance_of(changed(vit, Halved))


def relevance_of(vit: ViT) -> Callable[[Tensor], Tensor]:
    """Gradient times input of the network's one score."""

    def find(x: Tensor) -> Tensor:
        x = x.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(vit(x).sum(), x)
        return (x * gradient).detach()

    return find
