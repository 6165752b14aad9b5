"""Refusals of nets and inputs, each with what follows its advice."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pandas as pd
import torch
from helpers.advice import NET, TWO, WIDE, Row, X, attribute
from helpers.nets import DIGIT, Fn, mlp
from PIL import Image
from scipy import sparse
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

from heapwidget.samples import lenet

DOUBLE = mlp(6, 3, dtype=torch.float64)
IDS = torch.tensor([[4, 9, 1]])
SCRIPTED = torch.jit.trace(mlp(6, 3), X)


class Encoder(nn.Module):
    """The arguments that text models of the common library have."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(50, 8), nn.Linear(8, 2)

    def get_input_embeddings(self) -> nn.Module:
        return self.table

    def forward(
        self, input_ids: Any = None, attention_mask: Any = None, inputs_embeds: Any = None
    ) -> dict[str, Tensor]:
        if inputs_embeds is None:
            _, _ = input_ids.shape
            inputs_embeds = self.table(input_ids)
        kept = inputs_embeds if attention_mask is None else inputs_embeds * attention_mask[..., None]
        return {"logits": self.head(torch.relu(kept).mean(1))}


class Words(nn.Module):
    """A text model of one's own; a mask may come along."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleDict({"table": nn.Embedding(50, 8)})
        self.head = nn.Linear(8, 2)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        h = self.inner["table"](ids) if not ids.is_floating_point() else ids
        return self.head((h if mask is None else h.masked_fill(mask[..., None], 0)).relu().mean(1))


ENCODER = Encoder()


def with_identity() -> Any:
    net, x = Words(), IDS
    e = net.get_submodule("inner.table")(x)
    net.set_submodule("inner.table", nn.Identity())
    return attribute(net, e)


class Fixed(nn.Module):
    """A mask in a module around the net."""

    def __init__(self, net: nn.Module, mask: Tensor) -> None:
        super().__init__()
        self.net, self.mask = net, mask

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x, self.mask)


MASK = torch.tensor([[False, False, True]])
EMBEDDED = torch.rand(1, 3, 8)


def given(words: str, x: Any, followed: Any, net: nn.Module = NET) -> Row:
    """Something that is no tensor of floats, and the code that makes one of it."""
    return Row(words, lambda: attribute(net, x), lambda: attribute(net, followed(x)))


PICTURES = {
    mode: Image.fromarray(np.zeros((28, 28), np.uint8)).convert(mode) for mode in ("L", "1", "RGB", "RGBA", "P")
}
COLOURED = nn.Sequential(nn.Conv2d(3, 2, 5), nn.Flatten(), nn.LazyLinear(3))
COLOURED(torch.zeros(1, 3, 28, 28))
NUMBERS = np.linspace(0, 1, 6, dtype=np.float32)
FRAME = pd.DataFrame([[1, 2.5, 3, 4, 5, True]], columns=list("abcdef"))


class Foreign:
    """An array of another library: all that is known of it is how to make a NumPy array of it."""

    shape = (1, 6)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.ones(self.shape, dtype or np.float32)


def contiguous(x: Any) -> Tensor:
    return torch.tensor(np.ascontiguousarray(x, dtype="float32"))


CONTIGUOUS = "for an array, torch.tensor(numpy.ascontiguousarray(x, dtype='float32'))"
RGB = "for a picture, torch.tensor(numpy.array(x.convert('RGB'))).permute(2, 0, 1)[None].float() / 255"
GREY = "for a picture, torch.tensor(numpy.array(x.convert('L')))[None, None].float() / 255"

ARRAYS = [
    given("for an array, torch.from_numpy(x)", NUMBERS, torch.from_numpy),
    given("for an array, torch.from_numpy(x).float()", NUMBERS.astype(float), lambda x: torch.from_numpy(x).float()),
    given("torch.from_numpy(x).float()", NUMBERS.astype(np.float16), lambda x: torch.from_numpy(x).float()),
    given("torch.from_numpy(x).float()", np.arange(6), lambda x: torch.from_numpy(x).float()),
    given(
        "torch.from_numpy(x).float() / 255",
        np.arange(6, dtype=np.uint8),
        lambda x: torch.from_numpy(x).float() / 255,
    ),
    given("for an array, torch.from_numpy(x)", NUMBERS.astype(float), torch.from_numpy, DOUBLE),
    given("torch.from_numpy(x).to(torch.float64)", NUMBERS, lambda x: torch.from_numpy(x).to(torch.float64), DOUBLE),
    given(
        "torch.view_as_real(torch.from_numpy(x)).float(), the parts of which a net takes apart",
        NUMBERS[:1].astype(complex),
        lambda x: torch.view_as_real(torch.from_numpy(x)).float(),
        nn.Linear(2, 3),
    ),
    given(CONTIGUOUS, NUMBERS[::-1], contiguous),
    given(CONTIGUOUS, NUMBERS.astype(">f4"), contiguous),
    given(CONTIGUOUS, NUMBERS.astype(object), contiguous),
    given(CONTIGUOUS, Foreign(), contiguous),
    given(CONTIGUOUS, FRAME.iloc[0], contiguous),
    given(CONTIGUOUS, FRAME, contiguous),
    given(
        "torch.tensor(numpy.ascontiguousarray(x.toarray(), dtype='float32'))",
        sparse.csr_array(np.eye(6)[:1]),
        lambda x: contiguous(x.toarray()),
    ),
    given(
        "for numbers in a list, torch.tensor(x, dtype=torch.float32)",
        [1, 2, 3, 4, 5, 6],
        lambda x: torch.tensor(x, dtype=torch.float32),
    ),
    given("torch.tensor(x, dtype=torch.float32)", [[1.0] * 6], lambda x: torch.tensor(x, dtype=torch.float32)),
    given("torch.tensor(x, dtype=torch.float64)", range(6), lambda x: torch.tensor(x, dtype=torch.float64), DOUBLE),
    given("pass the numbers that the net takes, as a tensor of floats", None, lambda _: X),
    given("pass the numbers that the net takes", ["some", "words"], lambda _: X),
    given("pass the numbers that the net takes", "seven.png", lambda _: X),
    given("pass the numbers that the net takes", array.array, lambda _: X),
    given(
        "for a picture, torch.tensor(numpy.array(x))[None, None].float() / 255",
        PICTURES["L"],
        lambda x: torch.tensor(np.array(x))[None, None].float() / 255,
        lenet(),
    ),
    given(GREY, PICTURES["1"], lambda x: torch.tensor(np.array(x.convert("L")))[None, None].float() / 255, lenet()),
    given(
        "for a picture, torch.tensor(numpy.array(x)).permute(2, 0, 1)[None].float() / 255",
        PICTURES["RGB"],
        lambda x: torch.tensor(np.array(x)).permute(2, 0, 1)[None].float() / 255,
        COLOURED,
    ),
    *(
        given(
            RGB,
            PICTURES[mode],
            lambda x: torch.tensor(np.array(x.convert("RGB"))).permute(2, 0, 1)[None].float() / 255,
            COLOURED,
        )
        for mode in ("RGBA", "P")
    ),
]

WHOLE = [
    given("for images use x.float() / 255", DIGIT.mul(255).byte(), lambda x: x.float() / 255, lenet()),
    given("; pass x.float()", X.long(), lambda x: x.float()),
    given("; pass x.to(torch.float64)", X > 0.5, lambda x: x.to(torch.float64), DOUBLE),
    Row(
        "for token ids explain the embeddings: attribute(net, net.get_input_embeddings()(x))",
        lambda: attribute(ENCODER, IDS),
        lambda: attribute(ENCODER, ENCODER.get_input_embeddings()(IDS)),
    ),
    Row(
        "e = net.get_submodule('inner.table')(x), then net.set_submodule('inner.table', torch.nn.Identity()) and "
        "attribute(net, e)",
        lambda: attribute(Words(), IDS),
        with_identity,
    ),
    Row(
        "a mask belongs into a module around the net, which passes it on, and so does an index: self.net = net, and "
        "def forward(self, x): return self.net(x, mask)",
        lambda: attribute(Words(), (EMBEDDED, MASK)),
        lambda: attribute(Fixed(Words(), MASK), EMBEDDED),
    ),
    *(
        Row(
            f"{words}; a mask belongs into a module around the net, which passes it on",
            lambda kept=kept: attribute(TWO, (X, kept)),
            lambda kept=kept, cast=cast: [
                attribute(TWO, (X, cast(kept))),
                attribute(Fixed(TWO, kept.float()), X, target=0),
            ],
        )
        for words, kept, cast in (
            ("pass x[1].float()", (X > 0.5).long(), torch.Tensor.float),
            ("pass x[1].float()", X > 0.5, torch.Tensor.float),
            ("for images use x[1].float() / 255", X.mul(255).byte(), lambda t: t.float() / 255),
        )
    ),
]


def frozen() -> nn.Module:
    with torch.inference_mode():
        return mlp(6, 3)


def ran(net: nn.Module) -> nn.Module:
    net(X)
    return net


def broken() -> nn.Module:
    net = mlp(6, 3)
    with torch.no_grad():
        net[0].weight[0] = torch.nan
    return net


def masked(value: float) -> nn.Module:
    return nn.Sequential(NET, Fn(lambda z: z.masked_fill(z < z.amax(), value)))


def scaled(by: float, after: Any) -> nn.Module:
    return nn.Sequential(NET, Fn(lambda z: after(z * by) + z))


def within_fake(explain: Any) -> Any:
    with FakeTensorMode():
        return explain()


HOLED = X.clone()
HOLED[0, 2] = torch.inf
SPARSE = WIDE[:1].to_sparse()

NETS = [
    Row("pass the original module", lambda: attribute(SCRIPTED, X), lambda: attribute(mlp(6, 3), X)),
    Row("a function can be wrapped in one", lambda: attribute(lambda x: x, X), lambda: attribute(Fn(lambda x: x), X)),
    Row("run the net once before", lambda: attribute(nn.LazyLinear(3), X), lambda: attribute(ran(nn.LazyLinear(3)), X)),
    Row(
        "load the net outside of torch.inference_mode(), or use method='relevance'",
        lambda: attribute(frozen(), X, method="gradient"),
        lambda: [attribute(frozen(), X, method="relevance"), attribute(mlp(6, 3), X, method="gradient")],
    ),
    Row("load or train the net again", lambda: attribute(broken(), X), lambda: attribute(mlp(6, 3), X)),
    Row(
        "the activations of '0' (div) hold NaN or infinite values; they begin there",
        lambda: attribute(nn.Sequential(Fn(lambda x: x / (x - x)), nn.Linear(6, 2)), X),
        lambda: attribute(nn.Sequential(Fn(lambda x: x / (x - x + 1)), nn.Linear(6, 2)), X),
    ),
    Row(
        "the output holds infinite values, which begin in '1' (masked_fill); put finite numbers there in their place, "
        "such as 1e4 or -1e4",
        lambda: attribute(masked(-torch.inf), X),
        lambda: attribute(masked(-1e4), X),
    ),
    *(
        Row(
            "infinite values, which begin in '1' (mul), reach the output; put finite numbers there in their place, "
            "such as 1e4 or -1e4",
            lambda after=after: attribute(scaled(torch.inf, after), X, method="gradient"),
            lambda after=after: [attribute(scaled(by, after), X, method="gradient") for by in (1e4, -1e4)],
        )
        for after in (torch.tanh, torch.reciprocal)
    ),
]

INPUTS = [
    Row(
        "pass them as a tuple, in the order in which the net's forward takes them",
        lambda: attribute(TWO, {"one": X, "other": 2 * X}),
        lambda: attribute(TWO, (X, 2 * X)),
    ),
    Row(
        "pass the net's input, or a tuple of its inputs", lambda: attribute(TWO, ()), lambda: attribute(TWO, (X, 2 * X))
    ),
    *(
        Row(
            "call it outside, on one input at a time",
            lambda transform=transform: transform(lambda x: attribute(NET, x).attribution.sum())(WIDE),
            lambda: [attribute(NET, WIDE[i : i + 1]) for i in range(2)],
        )
        for transform in (torch.func.vmap, torch.func.grad, torch.func.jacrev, torch.func.functionalize)
    ),
    Row(
        "call this outside of FakeTensorMode, on real tensors",
        lambda: within_fake(lambda: attribute(NET, X)),
        lambda: attribute(NET, X),
    ),
    Row(
        "call this outside of FakeTensorMode, on real tensors",
        lambda: attribute(NET, FakeTensorMode().from_tensor(X)),
        lambda: attribute(NET, X),
    ),
    Row("pass x.to_dense()", lambda: attribute(NET, SPARSE), lambda: attribute(NET, SPARSE.to_dense())),
    Row("pass x with its values", lambda: attribute(NET, X.to("meta")), lambda: attribute(NET, X)),
    Row(
        "for example torch.view_as_real(x)",
        lambda: attribute(nn.Linear(2, 3), X.cfloat()),
        lambda: attribute(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), torch.view_as_real(X.cfloat())),
    ),
    Row("pass one example with all its numbers", lambda: attribute(NET, X[:, :0]), lambda: attribute(NET, X)),
    Row(
        "for example with torch.nan_to_num(x)",
        lambda: attribute(NET, HOLED),
        lambda: attribute(NET, torch.nan_to_num(HOLED, posinf=1.0)),
    ),
    Row(
        "x[1] is on the meta device, where tensors hold no numbers; pass x[1] with its values",
        lambda: attribute(TWO, (X, X.to("meta"))),
        lambda: attribute(TWO, (X, 2 * X)),
    ),
    Row(
        "explain one at a time, with x[i:i+1]",
        lambda: attribute(NET, WIDE),
        lambda: [attribute(NET, WIDE[i : i + 1]) for i in range(2)],
    ),
    Row(
        "explain one at a time, with tuple(a[i:i+1] for a in x)",
        lambda: attribute(TWO, (WIDE, 2 * WIDE)),
        lambda: [attribute(TWO, tuple(a[i : i + 1] for a in (WIDE, 2 * WIDE))) for i in range(2)],
    ),
    Row(
        "pass one input as the net takes it, with its batch axis",
        lambda: attribute(NET, X[:, :4]),
        lambda: attribute(NET, X),
    ),
    Row(
        "pass all that the net's forward takes, as a tuple",
        lambda: attribute(TWO, X),
        lambda: attribute(TWO, (X, 2 * X)),
    ),
    Row(
        "pass one example as the net takes it, each input with its batch axis",
        lambda: attribute(TWO, (X, X[:, :4])),
        lambda: attribute(TWO, (X, 2 * X)),
    ),
]

ROWS = [*ARRAYS, *WHOLE, *NETS, *INPUTS]
