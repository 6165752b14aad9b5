"""One page for each kind of trace and input, with all its panels: what holds for every viewer is tested on these."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.explanation import Explanation

PANELS = ("input", "heap", "code", "network", "curve")
WIDTHS = (480, 800, 1400)
SCHEMES = ("light", "dark")


def digit(**keywords: object) -> Explanation:
    x = hw.samples.digits().images[7:8, None].float() / 255
    return hw.attribute(hw.samples.lenet(), x, **keywords)  # type: ignore[arg-type]


class WordNet(nn.Module):
    """Two classes from the mean of some embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(torch.relu(self.inner(x)).mean(1))


def photo() -> Explanation:
    net = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(8 * 13 * 13, 5)),
    )
    return hw.attribute(net, torch.rand(1, 3, 32, 32), target=1)


def deep() -> Explanation:
    """Twenty-four layers: not all of them fit beside one another."""
    blocks = [layer for i in range(24) for layer in (nn.Conv2d(4 if i else 1, 4, 3, padding=1), nn.ReLU())]
    net = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(4 * 144, 3))
    return hw.attribute(net, torch.rand(1, 1, 12, 12), target=1)


def table() -> Explanation:
    names = [*(f"feature {i}" for i in range(9)), "mean radius of the cell nuclei"]
    net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3))
    return hw.attribute(net, torch.randn(1, 10), target=1, feature_names=names)


def text() -> Explanation:
    words = ["the", "film", "was", "not", "very", "good", ",", "indeed"]
    return hw.attribute(WordNet(), torch.randn(1, len(words), 8), target=1, tokens=words)


def signal() -> Explanation:
    net = nn.Sequential(nn.Conv1d(2, 6, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 2))
    return hw.attribute(net, torch.randn(1, 2, 80), target=1)


def cube() -> Explanation:
    net = nn.Sequential(nn.Conv2d(4, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 2))
    return hw.attribute(net, torch.rand(1, 4, 8, 8), target=1)


class Tagged(nn.Module):
    """A digit, and a few numbers about it."""

    def __init__(self) -> None:
        super().__init__()
        self.lenet, self.wide, self.out = hw.samples.lenet(), nn.Linear(5, 8), nn.Linear(18, 3)

    def forward(self, picture: Tensor, facts: Tensor) -> Tensor:
        return self.out(torch.cat([self.lenet(picture), 3 * torch.relu(self.wide(facts))], 1))


def two_inputs() -> Explanation:
    digit_and_facts = hw.samples.digits().images[7:8, None].float() / 255, torch.randn(1, 5)
    return hw.attribute(Tagged(), digit_and_facts, target=lambda out: out.abs().sum())


# Each with a step at which there is much to see.
GALLERY: dict[str, tuple[Callable[[], Explanation], int]] = {
    "digit": (digit, 334),
    "signed": (lambda: digit(rule="epsilon"), 400),
    "gradient": (lambda: digit(method="gradient"), 100),
    "article": (lambda: digit(method="article"), 400),
    "photo": (photo, 300),
    "deep": (deep, 900),
    "table": (table, 12),
    "text": (text, 20),
    "signal": (signal, 60),
    "cube": (cube, 40),
    "two inputs": (two_inputs, 200),
}


def write_gallery(folder: Path) -> dict[str, str]:
    """Write all pages, and give their addresses by name."""
    torch.manual_seed(0)
    addresses = {}
    for name, (make, step) in GALLERY.items():
        explanation = make()
        path = folder / f"{name}.html"
        walked = explanation.trace.phase_start("collect") > 0
        panels = PANELS if walked else [panel for panel in PANELS if panel != "network"]
        step = min(step, explanation.trace.n_steps // 2)
        explanation.to_html(path, step=step, bookmarks={0: "start", step: "here"}, panels=panels)
        addresses[name] = path.as_uri()
    return addresses
