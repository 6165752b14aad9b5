"""The ways to explain that are compared: rules on changes and from zero, and methods of others, each for any target."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import InputXGradient, IntegratedGradients, LayerGradCam
from sets import last_features, scores
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.rules import epsilon, gamma, z_box

# The range of each network's input, for the rule of the first layer that wants it.
BOXES = {"digits": (0.0, 1.0), "photos": (-127 / 128, 1.0)}
STEPS = 32

Weights = dict[int, float]
"""What is explained: a sum of scores, each with its weight."""


Find = Callable[[str, nn.Module, Tensor, Weights], Tensor]
"""From the kind of items, a network, an input and what is explained to an attribution in the shape of the input."""


@dataclass(frozen=True)
class Way:
    """A way to explain.

    Attributes
    ----------
    name
        Of its columns in the CSV files.
    target
        `"class"`, a score alone; `"rest"`, the class less the mean of the others, by their probabilities.
    """

    name: str
    target: str
    find: Find


def weights_of(target: str, z: Tensor, index: int) -> Weights:
    """The weights of a kind of target on scores `z`."""
    if target == "class":
        return {index: 1.0}
    others = z.double().clone()
    others[index] = -torch.inf
    return dict(enumerate((-others.softmax(0)).tolist())) | {index: 1.0}


def contrast(index: int, others: list[int]) -> Weights:
    """A class less the mean of some others."""
    return {other: -1 / len(others) for other in others} | {index: 1.0}


def walked(rule: object, baseline: object) -> Find:
    """A rule's relevance, of the change from a baseline unless that is None."""

    def find(kind: str, net: nn.Module, x: Tensor, weights: Weights) -> Tensor:
        named = boxed(kind) if rule == "epsilon_gamma_box" else rule
        pairs = list(weights.items())
        options = {"rule": named, "baseline": baseline, "max_pops": 0, "progress": False}
        return hw.attribute(net, x, target=pairs, **options).attribution

    return find


def boxed(kind: str) -> dict[str, object]:
    """`epsilon_gamma_box` with the range of the network's input."""
    return {"first": z_box(*BOXES[kind]), "conv": gamma(), "*": epsilon()}


def score_of(net: nn.Module, weights: Weights) -> Callable[[Tensor], Tensor]:
    """The weighted sum of scores for each example, as a function of the input."""
    index, factors = list(weights), torch.tensor(list(weights.values()))
    return lambda x: (net(x)[:, index] * factors).sum(1)


def input_x_gradient(kind: str, net: nn.Module, x: Tensor, weights: Weights) -> Tensor:
    """Captum's."""
    return InputXGradient(score_of(net, weights)).attribute(x.clone().requires_grad_()).detach()


def integrated_gradients(steps: int) -> Find:
    """Captum's, from a baseline of zeros."""

    def find(kind: str, net: nn.Module, x: Tensor, weights: Weights) -> Tensor:
        path = IntegratedGradients(score_of(net, weights))
        return path.attribute(x, n_steps=steps, internal_batch_size=8).detach()

    return find


def grad_cam(kind: str, net: nn.Module, x: Tensor, weights: Weights) -> Tensor:
    """Captum's Grad-CAM on the last features that have places, enlarged to the input and spread over its channels."""
    found = LayerGradCam(score_of(net, weights), last_features(kind)).attribute(x).clamp(min=0).detach()
    enlarged = F.interpolate(found, x.shape[-2:], mode="bilinear", align_corners=False)
    return (enlarged / x.shape[1]).expand(x.shape)


def brightness(kind: str, net: nn.Module, x: Tensor, weights: Weights) -> Tensor:
    """No network at all: the brightest first."""
    return x


def method(name: str) -> Find:
    """One of the package's other methods."""

    def find(kind: str, net: nn.Module, x: Tensor, weights: Weights) -> Tensor:
        pairs = list(weights.items())
        target = pairs if len(pairs) > 1 else pairs[0][0]
        return hw.attribute(net, x, target=target, method=name, progress=False).attribution

    return find


RULES = ("zplus", "epsilon", "gamma", "alpha_beta", "absolute", "flat", "w_square")
COMPOSITES = ("epsilon_plus", "epsilon_plus_flat", "alpha2_beta1", "epsilon_gamma_box")
# Rule, baseline and target of each way that explains a change.
CHANGES = (
    ("signed_head", 0, "rest"),
    ("signed_head", 0, "class"),
    ("signed_head", "blur", "rest"),
    ("signed_head", "blur", "class"),
    ("signed_head", "mean", "rest"),
    ("zplus", 0, "rest"),
    ("gamma", 0, "rest"),
    ("epsilon", 0, "rest"),
)


def ways() -> list[Way]:
    """All of them."""
    return [
        *(Way(f"{rule} {base} {target}", target, walked(rule, base)) for rule, base, target in CHANGES),
        *(Way(rule, "class", walked(rule, None)) for rule in (*RULES, *COMPOSITES)),
        Way("zplus rest", "rest", walked("zplus", None)),
        Way("gradient", "class", method("gradient")),
        Way("article", "class", method("article")),
        Way("input_x_gradient", "class", input_x_gradient),
        Way("integrated_gradients", "class", integrated_gradients(STEPS)),
        Way("integrated_gradients rest", "rest", integrated_gradients(STEPS)),
        Way("grad_cam", "class", grad_cam),
        Way("grad_cam rest", "rest", grad_cam),
        Way("brightness", "class", brightness),
    ]


def found_by(way: Way, kind: str, net: nn.Module, x: Tensor, index: int) -> Tensor:
    """A way's attribution for a class."""
    return way.find(kind, net, x, weights_of(way.target, scores(net, x), index))


def ranked(attribution: Tensor, seed: int = 0) -> np.ndarray:
    """Positions, largest first; equal values, such as the many zeros of a digit's paper, in random order."""
    values = attribution[0].sum(dim=0).reshape(-1).double().numpy()
    return np.lexsort((np.random.default_rng(seed).random(values.size), -values))
