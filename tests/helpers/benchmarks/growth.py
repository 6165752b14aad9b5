"""How the cost grows with the net: the walk by the number of its pops, the whole-layer pass by the size of the net.

`python tests/helpers/benchmarks/growth.py` measures and draws docs/growth.png.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.display.figures.style import BLUE, INK, LINE, MUTED, WARM_DARK

DEPTHS, WIDTHS = (8, 16, 32, 64), (16, 32, 64, 128, 256)
# The width at which depths are compared, and the depth at which widths are.
WIDTH, DEPTH = 64, 16
POPS = (1_000, 4_000, 16_000)


class Block(nn.Module):
    """Two convolutions and a way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


def residual_net(depth: int, width: int) -> nn.Module:
    """A net of `depth` layers with weights, all convolutions of `width` channels, random but fixed."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.ReLU(),
        *(Block(width) for _ in range((depth - 2) // 2)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, 10),
    ).eval()


@dataclass(frozen=True)
class Cost:
    """Seconds of the processor for walks of each number of `POPS`, a whole-layer pass, and a forward run."""

    walks: tuple[float, ...]
    whole: float
    forward: float


def cost(depth: int, width: int, repeats: int = 3) -> Cost:
    """Measure one net, on 32 x 32 positions; each figure is that of the quickest run."""
    net = residual_net(depth, width)
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    def prepared() -> hw.Explanation:
        return hw.attribute(net, x, target=0, nodes="position", floor=1e-6, max_pops=0, progress=False)

    def walk(pops: int) -> float:
        explanation = prepared()
        assert explanation.relevance is not None
        run = explanation.relevance.walk.run
        return _seconds(lambda: run(pops), expected=pops)

    relevance = prepared().relevance
    assert relevance is not None
    with torch.no_grad():
        return Cost(
            tuple(min(walk(pops) for _ in range(repeats)) for pops in POPS),
            min(_seconds(relevance.walk.finish) for _ in range(repeats)),
            min(_seconds(lambda: net(x)) for _ in range(repeats)),
        )


def _seconds(run: Callable[[], object], expected: object = None) -> float:
    start = time.process_time()
    given = run()
    seconds = time.process_time() - start
    assert expected is None or given == expected
    return seconds


def draw(path: Path) -> None:
    """Measure all nets and draw what they cost."""
    figure = Figure(figsize=(9, 3.8), layout="constrained", facecolor="white")
    axes = figure.subplots(1, 2, sharey=True)
    panels = (
        (DEPTHS, [cost(depth, WIDTH) for depth in DEPTHS], f"layers, each of {WIDTH} channels"),
        (WIDTHS, [cost(DEPTH, width) for width in WIDTHS], f"channels, in {DEPTH} layers"),
    )
    for ax, (sizes, costs, name) in zip(axes, panels, strict=True):
        for i in range(len(POPS)):
            ax.plot(sizes, [1e3 * c.walks[i] for c in costs], "-o", color=WARM_DARK, markersize=4)
        ax.plot(sizes, [1e3 * c.whole for c in costs], "-o", color=BLUE, markersize=4)
        ax.plot(sizes, [1e3 * c.forward for c in costs], "--o", color=MUTED, markersize=4)
        ax.set(xscale="log", yscale="log", xticks=sizes, xticklabels=sizes, xlabel=name)
        ax.minorticks_off()
        ax.grid(color=LINE, linewidth=0.6)
        ax.tick_params(colors=INK, length=0)
        ax.spines[:].set_visible(False)
    # Labels stand where lines are apart: the walks' on the right, the passes' at the smallest net.
    narrow, wide = panels[1][1][0], panels[1][1][-1]
    labels = [
        (WIDTHS[0], narrow.whole, (-4, 10), "whole-layer\npass", BLUE),
        (WIDTHS[0], narrow.forward, (12, -5), "forward", MUTED),
        *((WIDTHS[-1], s, (8, -4), f"walk of {n:,} pops", WARM_DARK) for n, s in zip(POPS, wide.walks, strict=True)),
    ]
    for size, seconds, offset, text, colour in labels:
        axes[1].annotate(text, (size, 1e3 * seconds), offset, textcoords="offset points", color=colour)
    axes[0].set_ylabel("milliseconds, one thread")
    axes[0].yaxis.set_major_formatter("{x:,.0f}")
    axes[0].set_ylim(top=1200)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    torch.set_num_threads(1)
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "docs" / "growth.png")
