"""What is a batch of several inputs, and what only has as many rows as the net has outputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers.nets import Fn, mlp
from torch import Tensor, nn

import heapwidget as hw

METHODS = pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
ROUND = torch.eye(5).roll(1, 0) + torch.eye(5)


class Pooled(nn.Module):
    """(words, features) -> (classes,)"""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 4)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(words.mean(0))


class Graph(nn.Module):
    """(nodes, features) -> (nodes, classes) or (nodes,), each from its neighbours as well."""

    def __init__(self, outputs: int, squeezed: bool) -> None:
        super().__init__()
        self.near, self.far, self.squeezed = nn.Linear(6, 8), nn.Linear(8, outputs), squeezed
        self.register_buffer("edges", ROUND)

    def forward(self, nodes: Tensor) -> Tensor:
        edges = self.edges[: len(nodes), : len(nodes)]
        out = self.far(edges @ self.near(edges @ nodes).relu())
        return out.squeeze(-1) if self.squeezed else out


class Read(nn.Module):
    """Attention over words without a batch axis, a score for each word."""

    def __init__(self) -> None:
        super().__init__()
        self.attend, self.head = nn.MultiheadAttention(6, 2), nn.Linear(6, 1)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.attend(words, words, words)[0]).squeeze(-1)


@METHODS
@pytest.mark.parametrize("words", [1, 3, 4, 5])
def test_words_are_no_batch_however_many(method: str, words: int) -> None:
    e = hw.attribute(Pooled(), torch.rand(words, 6), target=1, method=method)
    assert e.attribution.shape == (words, 6)


@METHODS
@pytest.mark.parametrize("nodes", [2, 4, 5])
@pytest.mark.parametrize(("outputs", "squeezed"), [(3, False), (1, False), (1, True)])
def test_nodes_of_a_graph_are_no_batch(method: str, nodes: int, outputs: int, squeezed: bool) -> None:
    torch.manual_seed(0)
    net, x = Graph(outputs, squeezed), torch.rand(nodes, 6)
    e = hw.attribute(net, x, target=lambda out: out[1].reshape(-1)[0].abs(), method=method)
    assert e.attribution.shape == x.shape
    if squeezed:
        torch.manual_seed(0)
        assert hw.attribute(net, x, target=1, method=method).attribution.shape == x.shape
    elif outputs > 1:
        with pytest.raises(ValueError, match="no single class axis; say what to explain with target=lambda"):
            hw.attribute(net, x, target=1, method=method)


@pytest.mark.parametrize("method", ["relevance", "gradient"])
@pytest.mark.filterwarnings("ignore")
def test_words_that_attend_to_one_another_are_no_batch(method: str) -> None:
    torch.manual_seed(0)
    e = hw.attribute(Read(), torch.rand(5, 6), target=2, method=method)
    assert e.attribution.shape == (5, 6)


def sigmoid(x: Tensor) -> Tensor:
    return x.sigmoid()


@METHODS
@pytest.mark.parametrize(
    "net",
    [
        mlp(6, 5, 3),
        nn.Sequential(mlp(6, 5, 1), nn.Flatten(0)),
        nn.Sequential(mlp(6, 4), nn.BatchNorm1d(4), Fn(sigmoid)),
    ],
    ids=["classes", "one score", "batch norm"],
)
@pytest.mark.parametrize("count", [2, 3, 7])
def test_rows_that_stand_alone_are_a_batch(method: str, net: nn.Module, count: int) -> None:
    x = torch.rand(count, 6)
    with pytest.raises(ValueError, match=rf"x is a batch of {count} inputs; explain one at a time, with x\[i:i\+1\]"):
        hw.attribute(net, x, method=method)
    assert hw.attribute(net, x[1:2], method=method).attribution.shape == (1, 6)


def test_a_table_beside_a_graph_is_told_by_its_rows() -> None:
    """Two inputs with as many rows as the output has: a batch of pairs, or the nodes and their links."""
    torch.manual_seed(0)
    both = Fn2(lambda a, b: a @ torch.ones(6, 3) + b @ torch.ones(5, 3))
    with pytest.raises(ValueError, match="x holds batches of 5 examples"):
        hw.attribute(both, (torch.rand(5, 6), torch.rand(5, 5)))
    linked = Fn2(lambda a, links: links @ a @ torch.ones(6, 3))
    e = hw.attribute(linked, (torch.rand(5, 6), ROUND), target=lambda out: out[2, 1])
    assert [a.shape for a in e.attribution] == [(5, 6), (5, 5)]


class Fn2(nn.Module):
    """A function of two as a net."""

    def __init__(self, f: Any) -> None:
        super().__init__()
        self.f = f

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.f(a, b)


# --- Embeddings -------------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """Ids first, a mask, and embeddings by name."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.body, self.head = nn.Embedding(50, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, input_ids: Any = None, attention_mask: Any = None, inputs_embeds: Any = None) -> Tensor:
        h = self.table(input_ids) if inputs_embeds is None else inputs_embeds
        h = self.body(h).relu()
        return self.head((h if attention_mask is None else h * attention_mask[..., None]).mean(1))


@METHODS
def test_embeddings_are_taken_where_ids_come_first(method: str) -> None:
    torch.manual_seed(0)
    net, ids = Encoder().eval(), torch.tensor([[4, 9, 1]])
    state = {name: value.clone() for name, value in net.state_dict().items()}
    embedded = net.table(ids)
    index = int(net(ids).argmax())
    e = hw.attribute(net, embedded, target=index, method=method)
    assert e.trace.header["target"]["value"] == pytest.approx(float(net(ids)[0, index].detach()), rel=1e-5)
    assert type(net).forward is Encoder.forward
    assert "forward" not in vars(net)
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    if method == "relevance":
        assert [layer["label"] for layer in e.trace.header["layers"]][-1] == "head"
        assert hw.attribute(net, embedded, target=index, rule={"head": "epsilon", "*": "zplus"}).attribution.shape == (
            1,
            3,
            8,
        )
        assert e.faithfulness(steps=2, progress=False).score > 0


def test_what_comes_after_the_embeddings_keeps_its_name_and_place() -> None:
    torch.manual_seed(0)
    net = Encoder()
    embedded, mask = net.table(torch.tensor([[4, 9, 1]])), torch.tensor([[1.0, 1.0, 0.0]])
    e = hw.attribute(net, (embedded, mask), target=0)
    assert [layer["label"] for layer in e.trace.header["layers"]][:2] == ["inputs_embeds", "attention_mask"]
    assert e.ledger.target == pytest.approx(
        float(net(inputs_embeds=embedded, attention_mask=mask)[0, 0].detach()), rel=1e-5
    )
    assert not e.attribution[0][0, 2].any()
