"""Nets of the zoo that take several inputs, and what they do with them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.zoo_parts import IMAGE, SIGNAL, TOKENS, VECTOR, Animals, Net, weight
from torch import Tensor, nn


def picture_and_table(net: Net, image: Tensor, table: Tensor) -> Tensor:
    """Features of two inputs of other kinds, side by side."""
    seen = F.max_pool2d(F.relu(net.conv(image)), 3).flatten(1)
    return net.out(torch.cat([seen, F.relu(net.wide(table))], 1))


def compared(net: Net, a: Tensor, b: Tensor) -> Tensor:
    """One encoder for two images, and how their features meet."""
    left, right = (F.relu(net.conv(image)).mean((2, 3)) for image in (a, b))
    return net.out(torch.cat([left * right, left - right], 1))


def asked(net: Net, question: Tensor, text: Tensor) -> Tensor:
    """A question looks at a text, and keeps what it asked for."""
    found = net.attention(question, text, text)[0]
    return net.out(net.norm(question + found).mean(1))


def steered(net: Net, image: Tensor, signal: Tensor, table: Tensor) -> Tensor:
    """A signal is added to an image's channels; a table shifts them, opens them and shuts them."""
    shift = net.signal(signal).mean(2) + net.shift(table)
    gate = torch.sigmoid(net.gate(table))[:, :, None, None]
    return net.out((F.relu(net.conv(image) + shift[:, :, None, None]) * gate).amax((2, 3)))


def stacked(net: Net, a: Tensor, b: Tensor) -> Tensor:
    """Two images as the channels of one."""
    return net.out(F.relu(net.conv(torch.cat([a, b.flip(3)], 1))).flatten(1))


def one_text(net: Net, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Three texts as one, with positions."""
    tokens = torch.cat([a, b, c], 1)
    return net.out(net.block(tokens + net.position[:, : tokens.shape[1]]).mean(1))


SEVERAL: Animals = {
    "picture and table": (
        lambda: Net(picture_and_table, conv=nn.Conv2d(2, 3, 3), wide=nn.Linear(6, 4), out=nn.Linear(16, 3)),
        (IMAGE, VECTOR),
    ),
    "two images compared": (
        lambda: Net(compared, conv=nn.Conv2d(2, 4, 3, stride=2), out=nn.Linear(8, 2)),
        (IMAGE, IMAGE),
    ),
    "question and text": (
        lambda: Net(
            asked,
            attention=nn.MultiheadAttention(8, 2, batch_first=True),
            norm=nn.LayerNorm(8),
            out=nn.Linear(8, 2),
        ),
        ((1, 3, 8), TOKENS),
    ),
    "three inputs": (
        lambda: Net(
            steered,
            conv=nn.Conv2d(2, 4, 3),
            signal=nn.Conv1d(2, 4, 5),
            shift=nn.Linear(6, 4),
            gate=nn.Linear(6, 4),
            out=nn.Linear(4, 3),
        ),
        (IMAGE, SIGNAL, VECTOR),
    ),
    "two images stacked": (
        lambda: Net(stacked, conv=nn.Conv2d(3, 3, 3, padding=1), out=nn.Linear(192, 2)),
        (IMAGE, (1, 1, 8, 8)),
    ),
    "three texts": (
        lambda: Net(
            one_text,
            position=weight(1, 9, 8),
            block=nn.TransformerEncoderLayer(8, 2, 12, batch_first=True),
            out=nn.Linear(8, 2),
        ),
        ((1, 2, 8), (1, 1, 8), TOKENS),
    ),
    "an input unread": (
        lambda: Net(lambda net, x, _: net.out(F.relu(net.first(x))), first=nn.Linear(6, 8), out=nn.Linear(8, 3)),
        (VECTOR, IMAGE),
    ),
}
