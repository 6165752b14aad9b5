"""How faithful each rule is, by deletion and insertion, beside other methods; and what the floor changes.

    python docs/evidence/make.py

measures what the CSV files beside it do not hold yet, one row at a time, so that it can be stopped and started again,
then writes the tables of `docs/evidence.md`. Without the CSV files all of it takes about an hour on one core. Needs
the `test` extra: the networks and all the pictures lie in installed packages.
"""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from captum.attr import InputXGradient, IntegratedGradients
from matplotlib.cbook import get_sample_data
from matplotlib.pyplot import imread
from numpy.typing import NDArray
from skimage import data
from sklearn.datasets import load_sample_image
from tables import write_tables
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.boxes import positions
from heapwidget.engine.rules import epsilon, gamma, z_box
from heapwidget.findings.faithfulness import Trial, stand_in
from heapwidget.findings.probe import Probe

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent.parent / "tests"))

from helpers.benchmarks import efficientnet  # noqa: E402 - from the folder above

DIGITS = 500
FLOORS = (1e-2, 1e-3, 1e-4, 1e-5)
BASELINES: dict[str, float | str] = {"zero": 0.0, "blur": "blur"}
RANDOM_ORDERS = 3
STEPS = {"digits": 50, "photos": 30}
# Small batches of photos stay in the processor's cache.
BATCH_SIZES = {"digits": 64, "photos": 2}
# The range of each network's input, for the rule of the first layer that wants it.
BOXES = {"digits": (0.0, 1.0), "photos": (-127 / 128, 1.0)}

Item = tuple[str, Tensor]


@cache
def network(kind: str) -> nn.Module:
    """The network that looks at digits or at photos."""
    return hw.samples.lenet() if kind == "digits" else efficientnet.net()


def items(kind: str) -> Iterator[Item]:
    """Names and inputs of all digits or photos."""
    return digits() if kind == "digits" else photos()


def digits() -> Iterator[Item]:
    """The first of the digits that LeNet has never seen: fifty of each class."""
    for number, image in enumerate(hw.samples.digits().images[:DIGITS]):
        yield str(number), image[None, None].float() / 255


def photos() -> Iterator[Item]:
    """Every photograph of things or places that ships with scikit-image, scikit-learn or matplotlib and in which the
    network is sure of its first class by a tenth at least (in grass and gravel it sees nothing).
    """
    pictures: dict[str, Callable[[], NDArray[np.uint8]]] = {
        "astronaut": data.astronaut,
        "brick": data.brick,
        "camera": data.camera,
        "cat": data.chelsea,
        "china": lambda: load_sample_image("china.jpg"),
        "clock": data.clock,
        "coffee": data.coffee,
        "coins": data.coins,
        "flower": lambda: load_sample_image("flower.jpg"),
        "hopper": lambda: imread(get_sample_data("grace_hopper.jpg")),
        "motorcycle": lambda: data.stereo_motorcycle()[0],
        "rocket": data.rocket,
    }
    for name, read in pictures.items():
        image = read()
        yield name, efficientnet.preprocess(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2))


def rules(kind: str) -> dict[str, object]:
    """Every rule and composite that has a name, as `attribute` takes it."""
    box = z_box(*BOXES[kind])
    names = ("zplus", "epsilon", "gamma", "alpha_beta", "absolute", "flat", "w_square")
    composites = ("epsilon_plus", "epsilon_plus_flat", "alpha2_beta1")
    boxed = {"first": box, "conv": gamma(), "*": epsilon()}
    return {name: name for name in (*names, *composites)} | {"epsilon_gamma_box": boxed}


def attributions(kind: str, x: Tensor, target: int) -> dict[str, Tensor]:
    """What each method finds for the target, in the shape of x."""
    net = network(kind)
    found = {
        name: hw.attribute(net, x, target=target, rule=rule, max_pops=0).attribution
        for name, rule in rules(kind).items()
    }
    found["gradient"] = hw.attribute(net, x, target=target, method="gradient").attribution
    found["input_x_gradient"] = InputXGradient(net).attribute(x.clone().requires_grad_(), target=target).detach()
    integrated = IntegratedGradients(net).attribute(x, target=target, n_steps=32, internal_batch_size=8)
    return found | {"integrated_gradients": integrated}


def areas(kind: str, x: Tensor, baseline: float | str) -> dict[str, tuple[float, float]]:
    """Deletion and insertion area of each method, and their mean over some random orders.

    They are areas under the probability itself, as Petsiuk et al. have it: as fractions of what a picture has, those of
    a class that the network is hardly sure of would outweigh all others.
    """
    net, rng = network(kind), np.random.default_rng(0)
    with torch.inference_mode():
        target = int(net(x).argmax())
    part = positions(tuple(x.shape[1:]), 0)
    orders = {}
    for name, attribution in attributions(kind, x, target).items():
        values = attribution[0].sum(dim=0).reshape(-1).double().numpy()
        # Largest first; equal values, such as the many zeros of a digit's paper, in random order.
        orders[name] = np.lexsort((rng.random(values.size), -values))
    chance = [rng.permutation(part.n_nodes) for _ in range(RANDOM_ORDERS)]
    empty = stand_in(baseline, x[0], part)
    trial = Trial(Probe(net, (tuple(x.shape),), target, None), [x[0]], [empty], [part], target, "probability")
    score, curves = trial.curves([*orders.values(), *chance], STEPS[kind], BATCH_SIZES[kind], progress=False)
    pairs = [(score * c.deletion_area, score * c.insertion_area) for c in curves]
    deletion, insertion = np.mean(pairs[len(orders) :], axis=0).tolist()
    return dict(zip(orders, pairs, strict=False)) | {"random": (deletion, insertion)}


def measure_areas(kind: str, baseline: str) -> None:
    """A row of the CSV file for each item."""
    path = HERE / f"{kind}-{baseline}.csv"
    done = {row[0] for row in rows(path)}
    for name, x in items(kind):
        if name in done:
            continue
        start = time.perf_counter()
        found = areas(kind, x, BASELINES[baseline])
        head = ["item", *(f"{method} {area}" for method in found for area in ("deletion", "insertion"))]
        append(path, head, [[name, *(f"{area:.4f}" for pair in found.values() for area in pair)]])
        print(f"{path.stem}: {name} in {time.perf_counter() - start:.1f} s", flush=True)


def measure_floors(kind: str, count: int) -> None:
    """What each floor costs and leaves undone: one row an item and floor."""
    path, net = HERE / "floors.csv", network(kind)
    done = {tuple(row[:2]) for row in rows(path)}
    for name, x in list(items(kind))[:count]:
        if (kind, name) in done:
            continue
        found = []
        for floor in FLOORS:
            runs = [timed(net, x, floor) for _ in range(2)]
            seconds, e = min(runs, key=lambda run: run[0])
            pops, columns, target = e.trace.header["phases"]["walk"], e.trace.columns, abs(e.ledger.target)
            arrived, bound = float(columns["explained"][pops - 1]), float(columns["bound"][pops - 1])
            # z+ only ever adds to the input, so what is missing is the error.
            missing = e.ledger.explained - arrived
            figures = (f"{seconds:.4f}", f"{arrived / target:.5f}", f"{missing / target:.5f}", f"{bound / target:.5f}")
            found.append([kind, name, f"{floor:g}", str(pops), *figures])
        append(path, ["kind", "item", "floor", "pops", "seconds", "arrived", "missing", "bound"], found)
        print(f"floors: {kind} {name}", flush=True)


def timed(net: nn.Module, x: Tensor, floor: float) -> tuple[float, hw.Explanation]:
    """Seconds of an explanation, without those that the processor gave to others; and the explanation."""
    start = time.process_time()
    explanation = hw.attribute(net, x, floor=floor, max_pops=1_000_000, progress=False)
    return time.process_time() - start, explanation


def rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file without its head; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def append(path: Path, head: list[str], more: list[list[str]]) -> None:
    """Add rows to a CSV file, which is made with its head where there is none."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *more] if is_new else more)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for baseline in BASELINES:
        for kind in ("digits", "photos"):
            measure_areas(kind, baseline)
    measure_floors("digits", count=12)
    measure_floors("photos", count=4)
    write_tables(HERE)
