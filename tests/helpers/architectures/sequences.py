"""Nets of sound, of sequences, of graphs and of films."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.architectures.encoders import PostNorm, SelfAttention
from helpers.architectures.parts import CLASSES, WORDS, Architectures, weight
from torch import Tensor, nn

LENGTH, WIDTH = WORDS[1], WORDS[2]


class Wav2Vec2(nn.Module):
    """Convolutions of the sound itself, positions by a convolution with a norm of its weights, a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(1, 8, 10, 5, bias=False), nn.Conv1d(8, 8, 3, 2, bias=False)
        self.group, self.norm, self.project = nn.GroupNorm(8, 8), nn.LayerNorm(8), nn.Linear(8, WIDTH)
        self.position = nn.utils.parametrizations.weight_norm(nn.Conv1d(WIDTH, WIDTH, 4, padding=2, groups=4), dim=2)
        self.before, self.layer = nn.LayerNorm(WIDTH), PostNorm(SelfAttention(scale_first=True))
        self.narrow, self.out = nn.Linear(WIDTH, 8), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.conv2(F.gelu(self.group(self.conv1(x)))))
        y = self.project(self.norm(y.transpose(1, 2)))
        place = F.gelu(self.position(y.transpose(1, 2))[:, :, :-1]).transpose(1, 2)
        y = self.layer(self.before(y + place))
        return self.out(self.narrow(y).mean(dim=1))


class Scan(nn.Module):
    """As in Mamba: a state that each step lets fade and feeds, by gates made of the step itself."""

    def __init__(self, inner: int = 12, states: int = 4, rank: int = 2) -> None:
        super().__init__()
        self.inner, self.states, self.rank = inner, states, rank
        self.in_proj, self.out_proj = nn.Linear(WIDTH, 2 * inner, bias=False), nn.Linear(inner, WIDTH, bias=False)
        self.conv = nn.Conv1d(inner, inner, 4, groups=inner, padding=3)
        self.x_proj, self.dt_proj = nn.Linear(inner, rank + 2 * states, bias=False), nn.Linear(rank, inner)
        self.log_a = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(inner, 1))
        self.d, self.norm = nn.Parameter(torch.ones(inner)), nn.RMSNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        u, z = self.in_proj(self.norm(x)).transpose(1, 2).chunk(2, dim=1)
        u = F.silu(self.conv(u)[..., : x.shape[1]])
        step, b, c = self.x_proj(u.transpose(1, 2)).split([self.rank, self.states, self.states], dim=-1)
        step = F.softplus(self.dt_proj(step)).transpose(1, 2)
        fade = torch.exp(-torch.exp(self.log_a)[None, :, None, :] * step[:, :, :, None])
        fed = step[:, :, :, None] * b[:, None, :, :] * u[:, :, :, None]
        state, found = x.new_zeros(len(x), self.inner, self.states), []
        for t in range(x.shape[1]):
            state = fade[:, :, t] * state + fed[:, :, t]
            found.append(torch.matmul(state, c[:, t].unsqueeze(-1))[:, :, 0])
        y = torch.stack(found, dim=-1) + u * self.d[None, :, None]
        return x + self.out_proj((y * F.silu(z)).transpose(1, 2))


class Mamba(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers, self.norm = nn.Sequential(Scan(), Scan()), nn.RMSNorm(WIDTH)
        self.out = nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.norm(self.layers(x)))[:, -1]


class GraphConv(nn.Module):
    """What neighbours send is summed into each node and scaled by degrees."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.linear, self.bias = nn.Linear(i, o, bias=False), weight(o)

    def forward(self, x: Tensor, source: Tensor, goal: Tensor) -> Tensor:
        degree = torch.zeros(len(x), dtype=x.dtype).index_add(0, goal, torch.ones(len(goal), dtype=x.dtype))
        scale = degree.pow(-0.5)
        sent = self.linear(x)[source] * (scale[source] * scale[goal])[:, None]
        return torch.zeros(len(x), sent.shape[1], dtype=x.dtype).index_add(0, goal, sent) + self.bias


class Graph(nn.Module):
    """Two rounds of messages along the edges of one graph, then the mean of all nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.out = GraphConv(6, 8), GraphConv(8, 8), nn.Linear(8, CLASSES)
        edges = torch.tensor([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (1, 3), (5, 2), *((n, n) for n in range(6))])
        self.register_buffer("edges", torch.cat([edges, edges[:7].flip(1)]))

    def forward(self, x: Tensor) -> Tensor:
        source, goal = self.edges.unbind(1)
        nodes = x[0]
        nodes = F.relu(self.first(nodes, source, goal))
        return self.out(self.second(nodes, source, goal).mean(0, keepdim=True))


class Packed(nn.Module):
    """Two layers in both directions of a text packed to its length, the last states read out."""

    def __init__(self, kind: type[nn.LSTM | nn.GRU]) -> None:
        super().__init__()
        self.cell = kind(WIDTH, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(10, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([LENGTH - 1]), batch_first=True)
        last = self.cell(packed)[1]
        last = last[0] if isinstance(last, tuple) else last
        return self.out(torch.cat([last[-2], last[-1]], -1))


class Film(nn.Module):
    """A residual block of space and time."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 6, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(6))
        self.conv1, self.norm1 = nn.Conv3d(6, 8, 3, 2, 1, bias=False), nn.BatchNorm3d(8)
        self.conv2, self.norm2 = nn.Conv3d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm3d(8)
        self.down = nn.Sequential(nn.Conv3d(6, 8, 1, 2, bias=False), nn.BatchNorm3d(8))
        self.pool, self.out = nn.AdaptiveAvgPool3d(1), nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return self.out(self.pool(F.relu(y + self.down(x))).flatten(1))


SEQUENCES: Architectures = {
    "Wav2Vec2": (Wav2Vec2, (1, 1, 80)),
    "Mamba": (Mamba, WORDS),
    "graph net": (Graph, (1, 6, 6)),
    "LSTM, packed": (lambda: Packed(nn.LSTM), WORDS),
    "GRU, packed": (lambda: Packed(nn.GRU), WORDS),
    "ResNet in 3-D": (Film, (1, 3, 4, 12, 12)),
}
