"""The viewer's figures, in a real JupyterLab: from a cell's start to paint, and how long a step or a seek takes."""

from pathlib import Path

import nbformat
from benchmarks.conftest import Figures
from e2e.jupyter import Kernel, Server, open_notebook, run_all
from playwright.sync_api import Page, expect

SETUP = """
import heapwidget as hw
net, digits = hw.samples.lenet(), hw.samples.digits()
x = digits.images[7:8, None].float() / 255
hw.explain(net, x)
"""
LONG = "long = hw.explain(net, x, rule='epsilon', floor=1e-4); long"

# Milliseconds from now to the first frame after the next viewer is in the page.
UNTIL_PAINTED = """() => {
    const before = document.querySelectorAll(".heapwidget").length;
    const start = performance.now();
    window.painted = new Promise((resolve) => {
        const look = () => {
            if (document.querySelectorAll(".heapwidget canvas.hw-overlay").length > before) {
                requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
            } else requestAnimationFrame(look);
        };
        look();
    });
}"""

# Milliseconds that the frame of a step or seek takes: draw and layout, between a callback before and one after.
FRAMES = """async ([root, count]) => {
    const slider = root.querySelector("input[aria-label=Step]");
    const forward = root.querySelector("button[aria-label=Forward]");
    const steps = Number(root.dataset.steps);
    const frame = (act) => new Promise((resolve) => requestAnimationFrame(() => {
        let start;
        requestAnimationFrame(() => { start = performance.now(); });
        act();
        requestAnimationFrame(() => { root.getBoundingClientRect(); resolve(performance.now() - start); });
    }));
    const seek = (step) => frame(() => {
        slider.value = step;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const times = { seek: [], step: [] };
    let state = 12345;
    for (let i = -20; i < count; i += 1) {
        state = (state * 1103515245 + 12345) % 2147483648;
        const time = await seek(Math.floor((state / 2147483648) * steps));
        if (i >= 0) times.seek.push(time);
    }
    slider.dispatchEvent(new Event("change", { bubbles: true }));
    for (let i = 0; i < count; i += 1) times.step.push(await frame(() => forward.click()));
    return times;
}"""


def test_viewer_in_jupyterlab(figures: Figures, page: Page, server: Server) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, "hw.explain(net, x)", LONG)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, Path(server.folder, "bench.ipynb"))
    open_notebook(page, server, "bench.ipynb")
    run_all(page)
    kernel = Kernel(server, "bench.ipynb")
    kernel.wait_for_cells()
    expect(page.locator(".heapwidget")).to_have_count(3)

    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    times = []
    for _ in range(5):
        page.evaluate("""() => document.querySelectorAll(".jp-CodeCell")[1].querySelector(".heapwidget").remove()""")
        page.evaluate(UNTIL_PAINTED)
        page.keyboard.press("Control+Enter")
        times.append(page.evaluate("window.painted"))
    figures.at_most("cell start to painted viewer in JupyterLab, warm kernel", min(times) / 1e3, 0.5, "s")

    viewer = page.locator(".heapwidget").last
    viewer.scroll_into_view_if_needed()
    steps = int(viewer.get_attribute("data-steps") or 0)
    assert steps >= 5000, steps
    frames = page.evaluate(FRAMES, [viewer.element_handle(), 150])
    for name, values in frames.items():
        late = sorted(values)[int(len(values) * 0.95)]
        figures.at_most(f"{name} in a trace of {steps:,} pops, 95th percentile", late, 16, "ms")
    kernel.close()
