"""Does a map depend on the class and on what was learnt? And does it agree with taking single pixels away?

Another class, an untrained network, layers drawn anew from the top one by one (Adebayo et al. 2018), brightness, and
leave-one-out occlusion, all on LeNet's digits.
"""

import copy
import itertools
import time
from collections.abc import Iterator

import numpy as np
import store
import torch
from scipy.stats import spearmanr
from sets import digits, network, scores
from torch import Tensor, nn
from ways import Way, found_by, score_of, ways, weights_of

DIGITS = 100
LAYERS = ("fc3", "fc2", "fc1", "conv2", "conv1")
NAMES = (
    "signed_head 0 rest",
    "signed_head 0 class",
    "signed_head blur rest",
    "zplus 0 rest",
    "gamma 0 rest",
    "epsilon 0 rest",
    "zplus",
    "epsilon",
    "gradient",
    "input_x_gradient",
    "integrated_gradients",
    "brightness",
)
COLUMNS = ("lowest class", *(f"without {name}" for name in LAYERS), "brightness", "occlusion")


def cosine(a: Tensor, b: Tensor) -> float:
    """Of two maps; 0 where one of them is empty."""
    return float(torch.cosine_similarity(a.flatten().double(), b.flatten().double(), 0))


def drawn_anew(net: nn.Module) -> Iterator[nn.Module]:
    """The network with its last layer drawn anew as before training, then its last two, and so on to the first."""
    torch.manual_seed(0)
    net = copy.deepcopy(net)
    for name in LAYERS:
        layer = net.get_submodule(name)
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        layer.reset_parameters()
        yield copy.deepcopy(net)


def occlusion(way: Way, net: nn.Module, x: Tensor, index: int, found: Tensor) -> float:
    """Rank agreement with the fall of the score as each pixel with ink alone becomes paper."""
    ink = x.flatten().nonzero().flatten()
    without = x.flatten().repeat(len(ink), 1)
    without[torch.arange(len(ink)), ink] = 0
    score = score_of(net, weights_of(way.target, scores(net, x), index))
    with torch.inference_mode():
        fall = score(x) - score(without.reshape(-1, *x.shape[1:]))
    shares = found.flatten()[ink]
    return float(spearmanr(shares, fall).statistic) if shares.std() > 0 else 0.0


def checked(way: Way, net: nn.Module, others: list[nn.Module], x: Tensor) -> dict[str, float]:
    """All figures of one way on one digit."""
    z = scores(net, x)
    first, lowest = int(z.argmax()), int(z.argmin())
    found = found_by(way, "digits", net, x, first)
    figures = [cosine(found, found_by(way, "digits", net, x, lowest))]
    figures += [cosine(found, found_by(way, "digits", other, x, first)) for other in others]
    figures += [cosine(found, x), occlusion(way, net, x, first, found)]
    return dict(zip(COLUMNS, figures, strict=True))


def measure() -> None:
    """All ways on all digits, as far as the file does not hold them; an occlusion that says nothing counts as 0."""
    net = network("digits")
    others, by_name = list(drawn_anew(net)), {way.name: way for way in ways()}
    for name in NAMES:
        start, done = time.perf_counter(), store.done("sanity", f"{name} occlusion")
        found = {
            item: {
                f"{name} {column}": f"{value:.4f}" for column, value in checked(by_name[name], net, others, x).items()
            }
            for item, x in itertools.islice(digits(), DIGITS)
            if item not in done
        }
        store.put("sanity", found)
        print(f"sanity: {name} in {time.perf_counter() - start:.1f} s", flush=True)


def summary(rows: list[dict[str, str]]) -> dict[str, dict[str, float]]:
    """Mean sizes by way and column."""
    measured = [name for name in NAMES if f"{name} {COLUMNS[0]}" in rows[0]]
    return {n: {c: float(np.mean([abs(float(row[f"{n} {c}"])) for row in rows])) for c in COLUMNS} for n in measured}
