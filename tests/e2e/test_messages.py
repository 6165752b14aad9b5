"""A page that writes nonsense to a viewer's model, and viewers that are closed, in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, running, wait_for
from playwright.sync_api import Page, expect

from heapwidget.display.refining import IN_TURN

NOTEBOOK = "messages.ipynb"
# A widget whose only use is that it hands the page's models to the test.
CELLS = [
    """import anywidget, heapwidget as hw
class Door(anywidget.AnyWidget):
    _esm = "export default { render({ model }) { globalThis.door = model.widget_manager; } }"
door = Door()
door""",
    """net, x = hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255
e = hw.attribute(net, x, max_pops=100)
viewer, other = (e.view(panels=["input", "heap"], link=word) for word in ("one", "two"))
viewer""",
    "other",
]
WRITE = """async ([id, state]) => {
    const model = await (await door).get_model(id);
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    model.save_changes();
}"""
READ = "async ([id, name]) => (await (await door).get_model(id)).get(name)"
NAMES = ("step", "n_steps", "playing", "interval", "loop", "bookmarks", "link", "selected_node", "panels")


@pytest.fixture(scope="module")
def kernel(page: Page, server: Server) -> Iterator[Kernel]:
    with running(page, server, NOTEBOOK, *CELLS) as kernel:
        page.wait_for_function("globalThis.door")
        yield kernel


def agrees(page: Page, kernel: Kernel) -> bool:
    """Whether the page's model says what the kernel says."""
    model = kernel.value("viewer.model_id")
    theirs = {name: page.evaluate(READ, [model, name]) for name in NAMES}
    ours = {name: kernel.value(f"viewer.{name}") for name in NAMES}
    return bool(theirs == ours)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"step": -1},
        {"step": 1e12},
        {"step": "many", "interval": -5, "loop": True},
        {"n_steps": 3, "link": "elsewhere"},
        {"bookmarks": [{"step": -4, "label": "x"}], "step": 9},
        {"panels": ["sound"], "playing": "yes"},
        {"panels": [], "selected_node": 10**9, "interval": None},
        {"_trace": {"header": 3}},
        {"_input": None, "_trace": None, "step": 8},
    ],
    ids=str,
)
def test_kernel_and_view_agree_after_nonsense(
    page: Page, kernel: Kernel, watch: Watch, nonsense: dict[str, Any]
) -> None:
    view = page.locator(".heapwidget").first
    kernel.run("viewer.step, viewer.loop, viewer.panels = 50, False, ['input', 'heap']")
    expect(view).to_have_attribute("data-step", "50")
    page.evaluate(WRITE, [kernel.value("viewer.model_id"), nonsense])
    wait_for(lambda: agrees(page, kernel), "agreement")
    good = {name: value for name, value in nonsense.items() if value in (9, 8, True)}
    assert {name: kernel.value(f"viewer.{name}") for name in good} == good
    assert kernel.value("viewer.n_steps == e.trace.n_steps and viewer.link == 'one'")
    expect(view).to_have_attribute("data-steps", str(kernel.value("viewer.n_steps")))
    expect(view).to_have_attribute("data-step", str(kernel.value("viewer.step")))
    expect(view.locator("canvas.hw-overlay")).to_have_count(int("input" in kernel.value("viewer.panels")))
    assert watch.errors == []


def test_a_flood_of_refining_is_done_once(page: Page, kernel: Kernel) -> None:
    # However long the machine pauses between two messages.
    kernel.run("import heapwidget.refining as refining; patience, refining.AT_ONCE = refining.AT_ONCE, 1e9")
    before = kernel.value("e.trace.header['phases']['walk']")
    answers = page.evaluate(
        """async (id) => {
            const model = await (await door).get_model(id);
            let done;
            const all = new Promise((resolve) => { done = resolve; });
            const said = [];
            const hear = (message) => {
                if (message.type === "ready") said.push(message.said);
                if (said.length === 40) done();
            };
            model.on("msg:custom", hear);
            for (let i = 0; i < 40; i++) model.send({ type: "refine", pops: 7 });
            await all;
            model.off("msg:custom", hear);
            return said;
        }""",
        kernel.value("viewer.model_id"),
    )
    kernel.run("refining.AT_ONCE = patience")
    assert kernel.value("e.trace.header['phases']['walk']") == before + 7
    assert answers[0] == ""
    assert set(answers[1:]) == {IN_TURN}


def test_a_closed_viewer_leaves_the_page_and_the_other_one_plays_on(page: Page, kernel: Kernel, watch: Watch) -> None:
    views = page.locator(".heapwidget")
    expect(views).to_have_count(2)
    kernel.run("viewer.step, other.step, other.interval, viewer.interval = 0, 0, 30, 30")
    kernel.run("viewer.link = other.link = 'both'")
    kernel.run("viewer.playing = True")
    wait_for(lambda: kernel.value("other.step") > 3, "pops of both")
    kernel.run("viewer.close()")
    expect(views).to_have_count(1)
    at = kernel.value("other.step")
    kernel.run("other.playing = True")
    wait_for(lambda: kernel.value("other.step") > at, "pops of the other")
    kernel.run("other.close(); viewer.close(); viewer.step = 3")
    expect(views).to_have_count(0)
    assert watch.errors == []


def test_closed_in_a_cell_that_is_run_again_nothing_is_left(page: Page, kernel: Kernel) -> None:
    kernel.run("import gc, weakref; seen = weakref.WeakSet(); shown = None")
    for _ in range(3):
        kernel.run(
            "if shown is not None: shown.close()\n"
            "shown = hw.explain(net, x, max_pops=50); seen.add(shown.explanation); display(shown)"
        )
    assert kernel.value("(gc.collect(), len(seen))[1]") == 1


def test_progress_bars_leave_nothing_in_the_kernel(kernel: Kernel) -> None:
    kernel.run("import heapwidget.progress as progress, tqdm.notebook; delay, progress.DELAY = progress.DELAY, 0")
    kernel.run("from ipywidgets.widgets import widget; made = []; widget.Widget.on_widget_constructed(made.append)")
    before = kernel.value("sorted(widget._instances)")
    kernel.run("hw.attribute(net, x).faithfulness(steps=5, random_orders=1)")
    kernel.run("widget.Widget.on_widget_constructed(None); progress.DELAY = delay")
    assert kernel.value("issubclass(progress.tqdm, tqdm.notebook.tqdm) and len(made)") >= 11
    assert kernel.value("sorted(widget._instances)") == before
