"""Copies of explanations, and what is sent to other processes: the same numbers without the net."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from helpers.nets import DIGIT, mlp
from helpers.shown import use
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import lenet
from heapwidget.trace.columns import COLUMNS


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return torch.relu(self.a(left)) + torch.relu(self.b(right))


def explained() -> dict[str, hw.Explanation]:
    torch.manual_seed(0)
    net, x = mlp(6, 5, 3), torch.linspace(-1, 1, 6)[None]
    conv = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    picture, photo = np.arange(75, dtype=np.uint8).reshape(5, 5, 3), torch.rand(1, 3, 5, 5)
    pair = (torch.rand(1, 3), torch.rand(1, 2))
    measured = hw.attribute(net, x)
    measured.faithfulness(steps=3, progress=False)
    return {
        "walk": hw.attribute(lenet(), DIGIT),
        "stopped": hw.attribute(net, x, max_pops=2),
        "unfinished": hw.attribute(net, x, max_pops=2, finish=False),
        "gradient": hw.attribute(net, x, method="gradient", order="ascending"),
        "article": hw.attribute(net, x, method="article"),
        "picture": hw.attribute(conv, photo, image=picture),
        "transposed": hw.attribute(conv, photo.to(memory_format=torch.channels_last)),
        "features": hw.attribute(net, x, feature_names=list("abcdef")),
        "tokens": hw.attribute(nn.Sequential(nn.Flatten(), nn.Linear(8, 2)), torch.rand(1, 2, 4), tokens=["a", "b"]),
        "callable": hw.attribute(net, x, target=lambda out: out.sum()),
        "two": hw.attribute(Two(), pair),
        "two with names": hw.attribute(Two(), pair, feature_names=(["a", "b", "c"], None)),
        "double": hw.attribute(mlp(6, 3, dtype=torch.float64), x.double()),
        "brain": hw.attribute(mlp(6, 3, dtype=torch.bfloat16), x.bfloat16()),
        "measured": measured,
    }


EXPLAINED = explained()


def by_joblib(e: Any) -> Any:
    return joblib.Parallel(n_jobs=1)([joblib.delayed(copy.deepcopy)(e)])[0]


def by_file(e: Any, folder: Path) -> Any:
    joblib.dump(e, folder / "e.joblib")
    return joblib.load(folder / "e.joblib")


WAYS: dict[str, Callable[[Any, Path], Any]] = {
    "deepcopy": lambda e, _: copy.deepcopy(e),
    "cloudpickle": lambda e, _: pickle.loads(cloudpickle.dumps(e)),
    "joblib": lambda e, _: by_joblib(e),
    "joblib file": by_file,
    "forking pickler": lambda e, _: pickle.loads(multiprocessing.reduction.ForkingPickler.dumps(e)),
    **{f"pickle {n}": lambda e, _, n=n: pickle.loads(pickle.dumps(e, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}


def assert_same(sent: hw.Explanation, e: hw.Explanation) -> None:
    assert sent.trace.header == e.trace.header
    for name in COLUMNS:
        np.testing.assert_array_equal(sent.trace.columns[name], e.trace.columns[name])
    for got, own in ((sent.inputs, e.inputs), *((a.attribution, b.attribution) for a, b in ((sent, e),))):
        for one, other in zip(*((part if isinstance(part, tuple) else (part,)) for part in (got, own)), strict=True):
            assert torch.equal(one, other)
            assert (one.dtype, one.device) == (other.dtype, other.device)
    assert type(sent.x) is type(e.x)
    for one, other in zip(sent.images, e.images, strict=True):
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one, other)
    assert repr(sent) == repr(e)
    assert sent.summary() == e.summary()
    assert np.array_equal(sent.pops, e.pops)
    assert (sent.measured is None) == (e.measured is None)
    assert str(sent.measured) == str(e.measured)


@pytest.mark.parametrize("name", EXPLAINED)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_is_the_same(name: str, way: str, tmp_path: Path) -> None:
    e = EXPLAINED[name]
    sent = WAYS[way](e, tmp_path)
    assert_same(sent, e)
    # Sent on, and from a file.
    assert_same(WAYS[way](sent, tmp_path), e)


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_was_loaded_is_sent(name: str, tmp_path: Path) -> None:
    EXPLAINED[name].save(tmp_path / "e.npz")
    loaded = hw.load(tmp_path / "e.npz")
    assert_same(copy.deepcopy(loaded), loaded)
    assert_same(pickle.loads(pickle.dumps(loaded)), loaded)


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_sent_shows_and_is_written(name: str, bundle: Path, tmp_path: Path) -> None:
    use(pickle.loads(pickle.dumps(EXPLAINED[name])), tmp_path)


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_sent_is_about_as_large_as_the_numbers(name: str) -> None:
    e = EXPLAINED[name]
    arrays = [*e.trace.columns.values(), *e.inputs, *(image for image in e.images if image is not None)]
    numbers = sum(a.nbytes for a in arrays) + len(pickle.dumps(dict(e.trace.header)))
    if name == "double":
        # Columns are of single precision, and the attribution is not.
        numbers += e.attribution.nbytes
    before = len(pickle.dumps(e))
    assert before < numbers + 4000
    # What was worked out meanwhile is worked out again.
    assert e.plot()
    assert len(pickle.dumps(e)) == before


def test_another_process_gives_one_back() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        sent = pool.apply(copy.copy, (EXPLAINED["stopped"],))
    # The process that sent it is gone.
    assert_same(sent, EXPLAINED["stopped"])


def test_the_net_stays_behind_and_it_is_said() -> None:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), max_pops=1)
    sent = copy.deepcopy(e)
    assert not sent.can_refine
    for ask in (sent.refine, sent.finish, sent.paths, sent.faithfulness):
        with pytest.raises(
            RuntimeError, match=r"a copy \(deepcopy, pickle\) keeps the trace, not the net; explain again"
        ):
            ask()
    assert e.can_refine
    assert e.refine(max_pops=1).trace.n_steps >= sent.trace.n_steps


def test_copies_share_nothing() -> None:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), max_pops=1)
    sent = copy.deepcopy(e)
    before = sent.attribution.clone()
    e.inputs[0].zero_()
    for column in e.trace.columns.values():
        column[:] = 0
    assert torch.equal(sent.attribution, before)
    assert not torch.equal(sent.inputs[0], e.inputs[0])


def test_a_shallow_copy_shares_the_walk() -> None:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), max_pops=1)
    twin = copy.copy(e)
    assert twin.relevance is e.relevance
    assert twin.can_refine


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps, cloudpickle.dumps], ids=lambda f: f.__name__)
def test_a_viewer_says_what_to_copy_instead(way: Callable[[Any], Any], tmp_path: Path) -> None:
    e = EXPLAINED["features"]
    for widget in (e.view(), hw.compare(e, e)):
        with pytest.raises(TypeError, match="cannot be copied or pickled") as raised:
            way(widget)
        for word in ("e = viewer.explanation", "e.save(path)", "hw.load(path)", "e.view()"):
            assert word in str(raised.value)
        assert "\n" not in str(raised.value)
    # The advice, followed.
    viewer = e.view()
    e = viewer.explanation
    e.save(tmp_path / "e.npz")
    assert hw.load(tmp_path / "e.npz").view().n_steps == viewer.n_steps
    assert_same(copy.deepcopy(viewer.explanation), e)
