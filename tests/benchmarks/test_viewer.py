"""The viewer's figures: large traces in pages of their own, and a real JupyterLab beside matplotlib and a slider."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import nbformat
import pytest
from helpers.benchmarks.bare import Bare, bare_browser
from helpers.benchmarks.figures import Figures
from helpers.benchmarks.page import PAGES, SCRIPT, benchmark_page
from helpers.benchmarks.synthetic import LONG, explanation
from helpers.browser.jupyter import Kernel, Server, open_notebook, run_all
from ipywidgets.widgets.widget import _remove_buffers
from playwright.sync_api import Browser, Page, expect

import heapwidget as hw

# Limits in yardsticks, docs/cost.md has what they were set by.
LONG_SEEK, MILLION_SEEK, MILLION_PAINT, CELL_TO_PAINT = 5, 8, 16, 3

SETUP = """
import heapwidget as hw
net, digits = hw.samples.lenet(), hw.samples.digits()
x = digits.images[7:8, None].float() / 255
hw.explain(net, x)
"""
# The same walk in a notebook without this viewer, with the same four panels; what they show is worked out beforehand,
# so that only drawing counts. Left out are the trail, the edges of the tree, the legend's values and the narration.
PEER = """
%matplotlib inline
import matplotlib.pyplot as plt, numpy as np
from ipywidgets import IntSlider, interact
from matplotlib.collections import LineCollection
from helpers.replay import replay

e = hw.attribute(net, x)
trace, columns = e.trace, e.trace.columns
ends = trace.node_offsets.tolist()
sides = [int(np.ceil((end - first) ** 0.5)) for first, end in zip(ends, ends[1:])]

def place(node):
    layer = trace.layer_of(node)
    row, column = divmod(node - ends[layer], sides[layer])
    return layer + 0.7 * (column + 0.5) / sides[layer], 1 - (row + 0.5) / sides[layer]

def maps(mass):
    squares = []
    for side, first, end in zip(sides, ends, ends[1:]):
        square = np.full(side * side, np.nan)
        square[: end - first] = mass[first:end]
        squares.append(square.reshape(side, side))
    return squares

def patch(node):
    layer = trace.layer_of(node)
    window = trace.partitions[layer].window(node - ends[layer])
    seen = [slice(max(start + step * window[axis].start, 0), start + step * (window[axis].stop - 1) + size)
            for start, step, size, axis in trace.header["layers"][layer]["field"] or ()]
    return x[0, 0].numpy()[tuple(seen)]

def slot(cell):
    level = (cell + 1).bit_length() - 1
    return (cell + 1.5 - 2**level) / 2**level, 1 - level / 6

def moment(step):
    state = replay(trace, step)
    reached = np.full(784, np.nan)
    reached[list(state.input)] = list(state.input.values())
    mass = np.zeros(ends[-1])
    np.add.at(mass, columns["pop_node"][:step], columns["pop_mass"][:step])
    children = columns["log_node"][columns["log_offset"][step - 1] : columns["log_offset"][step]].tolist()
    popped = int(columns["pop_node"][step - 1])
    lines = [(place(popped), place(child)) for child in children]
    cards = [(*slot(cell), trace.label(node), key, patch(node))
             for cell, (node, key) in enumerate(state.heap.pairs[:15])]
    return state, reached.reshape(28, 28), cards, maps(mass), lines

moments = {step: moment(step) for step in range(40, 81)}

def show(step):
    state, reached, cards, squares, lines = moments[step]
    figure, axes = plt.subplot_mosaic([["input", "tree"], ["input", "array"], ["net", "net"], ["curve", "curve"]],
                                      figsize=(12, 9), height_ratios=[3, 1, 2, 1])
    axes["input"].imshow(x[0, 0], cmap="gray_r")
    axes["input"].imshow(reached, cmap="inferno")
    axes["tree"].axis("off")
    for across, down, label, key, seen in cards:
        axes["tree"].text(across, down, f"{label}\\n{key:.3f}", fontsize=7)
        axes["tree"].imshow(seen, cmap="gray_r", extent=(across - 0.05, across - 0.01, down, down + 0.1), aspect="auto")
    across, down, _, keys, _ = zip(*cards)
    left = np.array(across) - 0.05
    axes["tree"].hlines(np.array(down) - 0.02, left, left + np.array(keys) / 2, color="tab:orange")
    dots = state.heap.pairs[15:63]
    places = np.array([slot(15 + i) for i in range(len(dots))])
    axes["tree"].scatter(*places.T, s=[200 * key for _, key in dots], color="tab:orange")
    axes["tree"].set(xlim=(0, 1), ylim=(0, 1.2))
    axes["array"].bar(range(len(state.heap.items)), [key for _, key in state.heap.pairs])
    for layer, square in enumerate(squares):
        axes["net"].imshow(square, cmap="inferno", extent=(layer, layer + 0.7, 0, 1), aspect="auto")
    axes["net"].add_collection(LineCollection(lines, linewidths=0.7, colors="tab:blue"))
    axes["net"].set(xlim=(0, len(squares)), ylim=(0, 1))
    for name in ("explained", "absorbed", "bound"):
        axes["curve"].plot(columns[name])
    axes["curve"].axvline(step)
    plt.show()

interact(show, step=IntSlider(40, 40, 80));
"""

# The same way from a cell to a picture without this package: work in Python, words and boxes in the page.
FIXED = """
import heapq
from IPython.display import HTML
heap = [((i * 7919) % 100_003, i) for i in range(100_000)]
heapq.heapify(heap)
words = [f"<span style='padding-left: {i % 5}px'>{heapq.heappop(heap)[0]}</span> " for i in range(3_000)]
HTML(f'<div class="fixed-work">{"".join(words)}</div>')
"""

# Milliseconds from now to the first frame after the next element that is asked for is in the page.
UNTIL_PAINTED = """(wanted) => {
    const before = document.querySelectorAll(wanted).length;
    const start = performance.now();
    window.painted = new Promise((resolve) => {
        const look = () => {
            if (document.querySelectorAll(wanted).length > before) {
                requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
            } else requestAnimationFrame(look);
        };
        look();
    });
}"""


@pytest.fixture
def bare(chromium: str) -> Iterator[Bare]:
    with bare_browser(chromium) as browser:
        yield browser


def measured(browser: Bare, folder: Path, name: str) -> dict[str, float]:
    """What a benchmark page measures, in milliseconds: of three times that it is opened, the least of each figure."""
    file = folder / f"{name}.html"
    file.write_text(benchmark_page(PAGES[name]), encoding="utf-8")
    rounds = [browser.figures(file.as_uri()) for _ in range(3)]
    return {figure: min(found[figure] for found in rounds) for figure in rounds[0]}


def against(figures: Figures, what: str, found: dict[str, float], name: str, fixed: str, most: float) -> None:
    """Note a figure of a page beside the page's own fixed work, of the same kind and in the same browser."""
    figures.against(what, found[name], found[fixed], most, f"{found[name]:.1f} ms")


def test_long_trace(figures: Figures, bare: Bare, bundle: Path, tmp_path: Path) -> None:
    found = measured(bare, tmp_path, "long")
    figures.note("page of 50,000 pops, all panels: first paint", f"{found['paint']:.0f} ms")
    figures.note("  step, 95th percentile", f"{found['step']:.1f} ms")
    figures.note("  pops a second when 60 are asked for", f"{found['pops_a_second']:.0f}")
    against(figures, "  seek to any pop, 95th percentile", found, "seek", "fixed_frame", LONG_SEEK)
    # The fixed work is less than a viewer's frame: where it keeps up with the screen, so does the viewer, or nearly.
    against(figures, "  longest frame at 60 pops a second, heap of 50,000", found, "play", "fixed_play", 2.5)


def test_million_nodes(figures: Figures, bare: Bare, bundle: Path, tmp_path: Path) -> None:
    found = measured(bare, tmp_path, "million")
    what = "page of a heap of 1,000,000 nodes: seek, 95th percentile"
    against(figures, what, found, "seek", "fixed_frame", MILLION_SEEK)
    against(figures, "  first paint", found, "paint", "fixed_load", MILLION_PAINT)


def test_bytes(figures: Figures) -> None:
    digit = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255)
    for what, shown in (("a digit", digit), ("50,000 pops", explanation(LONG))):
        state, _, buffers = _remove_buffers(shown.view().get_state())
        program = sum(len(state.pop(name).encode()) for name in ("_esm", "_css"))
        raw = sum(column.nbytes for column in shown.trace.columns.values())
        sent = len(json.dumps(state).encode()) + sum(memoryview(b).nbytes for b in buffers)
        figures.at_most(f"bytes sent for {what}, over its raw columns", sent / raw, 1.05, "x")
        figures.note("  with the viewer's own script and style", f"{(sent + program) / raw:.3f} x")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that nothing was done in before."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture
def lab(page: Page, server: Server) -> Iterator[Callable[..., None]]:
    """Opens a notebook of some cells, and runs them."""
    kernels = []

    def run(name: str, *sources: str) -> None:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, Path(server.folder, name))
        open_notebook(page, server, name)
        run_all(page)
        kernels.append(Kernel(server, name))
        kernels[0].wait_for_cells()
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))

    yield run
    kernels[0].close()


def cell_to_paint(page: Page, cell: int, wanted: str) -> float:
    """Milliseconds from running a cell once more to its picture."""
    code = page.locator(".jp-CodeCell").nth(cell)
    page.evaluate(
        "([cell, wanted]) => document.querySelectorAll('.jp-CodeCell')[cell].querySelector(wanted).remove()",
        [cell, wanted.split()[0]],
    )
    code.locator(".cm-content").click()
    page.evaluate(UNTIL_PAINTED, wanted)
    page.keyboard.press("Control+Enter")
    took: float = page.evaluate("window.painted")
    return took


def test_cell_to_paint(figures: Figures, page: Page, lab: Callable[..., None]) -> None:
    lab("paint.ipynb", SETUP, "hw.explain(net, x)", FIXED)
    expect(page.locator(".heapwidget")).to_have_count(2)
    ours, fixed = [], []
    for _ in range(5):
        ours.append(cell_to_paint(page, 1, ".heapwidget canvas.hw-overlay"))
        fixed.append(cell_to_paint(page, 2, ".fixed-work"))
    what = "cell start to painted viewer in JupyterLab, warm kernel"
    figures.against(what, min(ours), min(fixed), CELL_TO_PAINT, f"{min(ours):.0f} ms")


def test_step_beside_matplotlib(figures: Figures, page: Page, lab: Callable[..., None]) -> None:
    """The same steps in both, in turn; the quietest round counts, as other programs only ever add time."""
    lab("peer.ipynb", SETUP, f"import sys; sys.path.append({str(Path(__file__).parents[1])!r})\n{PEER}")
    viewer, peer = page.locator(".heapwidget").first, page.locator(".widget-interact")
    ours, theirs = [], []
    for turn in range(5):
        viewer.scroll_into_view_if_needed()
        viewer.get_by_role("slider", name="Step", exact=True).fill(str(40 + 8 * turn))
        ours.append(median(page.evaluate("([root]) => steps(root, 40)", [viewer.element_handle()])))
        peer.locator("img").scroll_into_view_if_needed()
        theirs.append(median(page.evaluate("([root]) => sliderSteps(root, 8)", [peer.element_handle()])))
    figures.note("step in JupyterLab, median of the quietest round", f"{min(ours):.1f} ms")
    figures.note("  the same walk with matplotlib and a slider", f"{min(theirs):.0f} ms")
    figures.at_least("  times faster", min(theirs) / min(ours), 50, "x")
