"""How inputs are shown and what their positions are called: kinds, names, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import mlp
from helpers.traces import validate
from helpers.zoo import Net
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.display.payload import shown_input
from heapwidget.kinds import KINDS, Kind

TRACE_PAGE = (Path(hw.__file__).resolve().parents[1] / "docs" / "trace.md").read_text(encoding="utf-8")
WORDS = ["The", "cat", "sat", "on", "<i>it</i>"]


def kinds(e: hw.Explanation) -> list[str]:
    validate(e.trace.header, e.trace.columns)
    return e.trace.input_kinds


def embedding_net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(15, 2))


def signal(channels: int, length: int) -> nn.Module:
    return nn.Sequential(nn.Conv1d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * (length - 2), 2))


def padded_signal() -> nn.Module:
    """A row of samples that the net itself turns into a channel, after it has centred it."""

    def run(net: Any, x: Tensor) -> Tensor:
        return net.out(torch.relu(net.conv((x - 0.5).unsqueeze(1))).mean(2))

    return Net(run, conv=nn.Conv1d(1, 3, 3), out=nn.Linear(3, 2))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "image": (lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(18, 2)), (1, 3, 5, 5), "image"),
    "four channels": (lambda: nn.Sequential(nn.Conv2d(4, 2, 3), nn.Flatten(), nn.Linear(18, 2)), (1, 4, 5, 5), "strip"),
    "table": (lambda: mlp(6, 4, 2), (1, 6), "bars"),
    "long vector": (lambda: mlp(200, 4, 2), (1, 200), "strip"),
    "signal": (lambda: signal(1, 12), (1, 1, 12), "line"),
    "signals": (lambda: signal(5, 9), (1, 5, 9), "line"),
    "row of samples": (padded_signal, (1, 12), "line"),
    "embeddings": (embedding_net, (1, 5, 4), "strip"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_kind_follows_the_shape_and_what_reads_it(name: str) -> None:
    make, shape, kind = CASES[name]
    e = hw.attribute(make(), torch.rand(shape))
    assert kinds(e) == [kind]
    (part,) = shown_input(e)["parts"]
    assert part["kind"] == kind


# Without names there are none of the others.
NAMED = {"tokens"}


def test_each_kind_has_its_case() -> None:
    assert {kind for _, _, kind in CASES.values()} == {name for name, kind in KINDS.items() if kind.unnamed}
    assert {name for name, kind in KINDS.items() if not kind.unnamed} == NAMED


def test_each_kind_has_its_row() -> None:
    rows = dict(re.findall(r'^\| `"(\w+)"` \|.*\| ([\w ]+) \|$', TRACE_PAGE, re.MULTILINE))
    named = {
        name: "none" if not kind.label else "may be" if kind.unnamed else "must be" for name, kind in KINDS.items()
    }
    assert rows == named


def test_a_kind_from_elsewhere_is_one_entry(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same number in all rows and columns: a matrix."""

    def square(shape: tuple[int, ...], axis: int | None, convolved: bool | None) -> bool:
        return len(shape) == 2 and shape[0] == shape[1] and not convolved

    def in_rows(shape: tuple[int, ...], axis: int | None) -> bool:
        return len(shape) == 2

    monkeypatch.setitem(KINDS, "matrix", Kind(suits=square, holds=in_rows, noun="row", place="row"))
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    for method in ("relevance", "gradient", "article"):
        e = hw.attribute(net, torch.rand(1, 4, 4), method=method)
        assert kinds(e) == ["matrix"]
        assert [e.trace.label(node) for node in range(2)] == ["row (0)", "row (1)"]
        assert "rows" in e.summary()
        (part,) = shown_input(e)["parts"]
        assert part["kind"] == "matrix"
        e.plot().savefig(tmp_path / "e.png")
        e.to_html(tmp_path / "e.html")
        e.save(tmp_path / "e.npz")
        assert kinds(hw.load(tmp_path / "e.npz")) == ["matrix"]
    assert kinds(hw.attribute(mlp(4, 4, 2), torch.rand(1, 4))) == ["bars"]
    layers = [e.trace.header["layers"][0] | {"kind": "image"}, *e.trace.header["layers"][1:]]
    with pytest.raises(hw.TraceFormatError, match=r"shows an input of shape .* as image"):
        validate({**e.trace.header, "layers": layers}, e.trace.columns)


@pytest.mark.parametrize(
    ("shape", "kind"), [((1, 6), "bars"), ((1, 2, 30), "line"), ((1, 20, 30), "strip"), ((1, 1, 4, 4), "image")]
)
def test_gradients_go_by_the_shape_alone(shape: tuple[int, ...], kind: str) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 2))
    assert kinds(hw.attribute(net, torch.rand(shape), method="gradient")) == [kind]


@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_features_bear_their_names(method: str) -> None:
    names = np.array(["age", "<b>height</b>", "mean radius"])
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), feature_names=names, method=method)
    assert kinds(e) == ["bars"]
    assert [e.trace.label(node) for node in range(3)] == list(names)
    assert e.trace.header["layers"][0]["names"] == list(names)
    assert set(e.pops["label"][-3:]) <= {*names, *(e.trace.label(n) for n in range(int(e.trace.node_offsets[-1])))}
    assert "feature" in e.summary()


@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_words_are_quoted_and_relevance_is_collected_on_them(method: str) -> None:
    e = hw.attribute(embedding_net(), torch.rand(1, 5, 4), tokens=WORDS, method=method)
    assert kinds(e) == ["tokens"]
    assert e.trace.positions(0) == (5,)
    assert e.trace.label(1) == "token 1 ‘cat’"
    assert e.trace.label(4) == "token 4 ‘<i>it</i>’"
    assert "token" in e.summary()
    if method == "relevance":
        assert sum(e.trace.position_contributions(0)) == pytest.approx(e.ledger.explained, rel=1e-5)


@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_words_tell_which_axis_is_theirs(method: str) -> None:
    """Flattened, or transposed before a convolution, embeddings look like channels."""
    flat = nn.Sequential(nn.Flatten(), nn.Linear(20, 2))
    assert hw.attribute(flat, torch.rand(1, 5, 4), method=method).trace.positions(0) == (4,)
    assert hw.attribute(flat, torch.rand(1, 5, 4), tokens=WORDS, method=method).trace.positions(0) == (5,)
    conv = Net(
        lambda net, x: net.out(torch.relu(net.conv(x.transpose(1, 2))).amax(2)),
        conv=nn.Conv1d(4, 6, 3, padding=1),
        out=nn.Linear(6, 2),
    )
    e = hw.attribute(conv, torch.rand(1, 5, 4), tokens=WORDS, method=method)
    assert e.trace.positions(0) == (5,)
    first = hw.attribute(signal(4, 5), torch.rand(1, 4, 5), tokens=WORDS, method=method)
    assert first.trace.positions(0) == (5,)


def test_attributions_are_the_same_with_names() -> None:
    torch.manual_seed(0)
    net, x = embedding_net(), torch.rand(1, 5, 4)
    torch.testing.assert_close(hw.attribute(net, x).attribution, hw.attribute(net, x, tokens=WORDS).attribution)


def test_names_survive_going_on_and_a_file(tmp_path: Any) -> None:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), feature_names=["a", "b", "c"], max_pops=1)
    e.refine(max_pops=5)
    assert e.trace.label(2) == "c"
    e.save(tmp_path / "e.npz")
    assert hw.load(tmp_path / "e.npz").trace.label(1) == "b"


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, table: Tensor, text: Tensor) -> Tensor:
        return torch.relu(self.a(table)) + torch.relu(self.b(text)).mean(1)


def test_several_inputs_have_names_of_their_own() -> None:
    x = torch.rand(1, 3), torch.rand(1, 5, 4)
    e = hw.attribute(Two(), x, feature_names=(["a", "b", "c"], None), tokens=(None, WORDS))
    assert kinds(e) == ["bars", "tokens"]
    assert [e.trace.label(node) for node in (0, 2, 3, 4)] == [
        "table a",
        "table c",
        "text token 0 ‘The’",
        "text token 1 ‘cat’",
    ]
    assert [part["kind"] for part in shown_input(e)["parts"]] == ["bars", "tokens"]
    assert kinds(hw.attribute(Two(), x)) == ["bars", "strip"]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"feature_names": "age"}, TypeError, "feature_names must be a list of names, one a position, not 'age'"),
        ({"feature_names": {"a", "b", "c"}}, TypeError, "feature_names must be a list of names"),
        ({"feature_names": 3}, TypeError, "feature_names must be a list of names, one a position, not 3"),
        ({"feature_names": ["a", "b"]}, ValueError, "feature_names has 2 names, but x has 3 features"),
        ({"tokens": ["a", "b"]}, ValueError, r"tokens has 2 words, but x has shape \(3,\), with 3 tokens"),
        ({"tokens": list("abc"), "feature_names": list("abc")}, ValueError, "both given for x"),
    ],
)
def test_names_that_do_not_fit_are_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), **given)


def test_names_for_another_shape_or_number_of_inputs_are_refused() -> None:
    image = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 2)), torch.rand(1, 1, 5, 5)
    with pytest.raises(ValueError, match=r"feature_names names the columns of a table, but x of shape \(1, 5, 5\)"):
        hw.attribute(*image, feature_names=WORDS)
    with pytest.raises(ValueError, match=r"tokens names the rows of \(tokens, features\), but x has shape \(1, 5, 5\)"):
        hw.attribute(*image, tokens=WORDS)
    two = Two(), (torch.rand(1, 3), torch.rand(1, 5, 4))
    with pytest.raises(ValueError, match="x holds 2 inputs, so tokens must be a tuple of 2"):
        hw.attribute(*two, tokens=WORDS)
    with pytest.raises(ValueError, match=r"tokens has 5 words, but x\[0\] has shape"):
        hw.attribute(*two, tokens=(WORDS, None))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["a"]}, "'names' that are not one for each of 3 positions"),
        ({"names": [1, 2, 3]}, "'names'"),
        ({"kind": "line"}, "'names'"),
        ({"kind": "tokens", "names": None}, "tokens without 'names'"),
        ({"kind": "table"}, "no known 'kind'"),
    ],
)
def test_a_file_with_other_names_is_refused(change: dict[str, Any], message: str) -> None:
    trace = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), feature_names=["a", "b", "c"]).trace
    layers = [dict(layer) for layer in trace.header["layers"]]
    layers[0] |= change
    if layers[0]["names"] is None:
        del layers[0]["names"]
    with pytest.raises(hw.TraceFormatError, match=message):
        validate({**trace.header, "layers": layers}, trace.columns)


def test_pixels_travel_with_what_they_stand_for() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 2))
    x = torch.rand(1, 1, 5, 5)
    (part,) = shown_input(hw.attribute(net, x))["parts"]
    assert part["range"] == [0, 1]
    (part,) = shown_input(hw.attribute(net, 4 * x - 2))["parts"]
    low, high = part["range"]
    values = low + (high - low) * np.frombuffer(part["pixels"], np.uint8) / 255
    assert np.abs(values - (4 * x - 2).numpy().ravel()).max() <= (high - low) / 510 + 1e-6
    (part,) = shown_input(hw.attribute(net, x, image=np.zeros((5, 5))))["parts"]
    assert "range" not in part


@pytest.mark.parametrize("name", ["\ud800", "a\udc80", 20_000 * "x", "\ud83d\ude00"])
def test_names_that_could_not_be_written_are_made_so(name: str, bundle: Any, tmp_path: Any) -> None:
    names = [name, "b", "c"]
    e = hw.attribute(mlp(3, 4, 3), torch.rand(1, 3), feature_names=names, class_names=names, target=0)
    e.to_html(tmp_path / "e.html")
    e.save(tmp_path / "e.npz")
    loaded = hw.load(tmp_path / "e.npz")
    assert np.array_equal(loaded.pops, e.pops)
    assert loaded.pops.dtype["label"].itemsize <= 4 * 200
    assert loaded.trace.header["target"]["label"] == e.trace.header["target"]["label"]
