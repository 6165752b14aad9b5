"""The quickstart in a real JupyterLab: what a newcomer sees, and what the kernel knows of it."""

from collections.abc import Iterator

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, open_notebook, overlay, run_all, wait_for
from helpers.browser.pages import settled
from playwright.sync_api import Locator, Page, expect

NOTEBOOK = "quickstart.ipynb"


@pytest.fixture(scope="module")
def ran(page: Page, server: Server) -> Page:
    """The notebook with all its cells run."""
    open_notebook(page, server, NOTEBOOK)
    run_all(page)
    return page


@pytest.fixture(scope="module")
def kernel(ran: Page, server: Server) -> Iterator[Kernel]:
    kernel = Kernel(server, NOTEBOOK)
    kernel.wait_for_cells()
    yield kernel
    kernel.close()
    server.shut_down(NOTEBOOK)


@pytest.fixture
def viewer(ran: Page, kernel: Kernel) -> Locator:
    """The first viewer, at step 0."""
    viewer = ran.locator(".heapwidget").first
    viewer.scroll_into_view_if_needed()
    kernel.run("viewer.playing, viewer.step = False, 0")
    expect(viewer).to_have_attribute("data-step", "0")
    return viewer


def shown(viewer: Locator) -> set[int]:
    """Positions that the overlay colours."""
    return {position for position, (*_, alpha) in enumerate(overlay(viewer)) if alpha}


class Trace:
    """The trace as the format page describes it, read from the kernel's explanation."""

    def __init__(self, kernel: Kernel) -> None:
        columns = ("pop_node", "log_offset", "log_node", "log_key")
        read = ", ".join(f"'{name}': viewer.explanation.trace.columns['{name}'].tolist()" for name in columns)
        self.columns = kernel.value(f"{{{read}}}")
        self.phases = kernel.value("viewer.explanation.trace.header['phases']")
        self.steps = len(self.columns["pop_node"])
        self.collect = self.steps - self.phases["collect"]

    def coloured(self, step: int) -> set[int]:
        """Positions that relevance has reached by a step; once they are collected, those that are popped."""
        if step > self.collect:
            return set(self.columns["pop_node"][self.collect : step])
        end = self.columns["log_offset"][step]
        keys = dict(zip(self.columns["log_node"][:end], self.columns["log_key"][:end], strict=True))
        return {node for node, key in keys.items() if node < 784 and key != 0}


@pytest.fixture(scope="module")
def trace(kernel: Kernel) -> Trace:
    return Trace(kernel)


def test_viewer_shows_all_its_parts(viewer: Locator, trace: Trace) -> None:
    expect(viewer).to_have_attribute("data-steps", str(trace.steps))
    for name in ("Input", "Heap"):
        expect(viewer.get_by_role("region", name=name, exact=True)).to_be_visible()
    for name in ("First", "Back", "Play", "Forward", "Last"):
        expect(viewer.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(viewer.get_by_role("slider", name="Step", exact=True)).to_be_visible()
    expect(viewer.get_by_role("status")).not_to_be_empty()


def test_arrow_keys_step(viewer: Locator, kernel: Kernel) -> None:
    viewer.focus()
    viewer.press("ArrowRight")
    expect(viewer).to_have_attribute("data-step", "1")
    wait_for(lambda: kernel.value("viewer.step") == 1, "step 1 in the kernel")
    viewer.press("Shift+ArrowRight")
    expect(viewer).to_have_attribute("data-step", "11")
    viewer.press("ArrowLeft")
    expect(viewer).to_have_attribute("data-step", "10")
    wait_for(lambda: kernel.value("viewer.step") == 10, "step 10 in the kernel")


def test_overlay_follows_the_trace(viewer: Locator, kernel: Kernel, trace: Trace) -> None:
    first = next(step for step in range(trace.steps) if trace.coloured(step))
    for step in (first - 1, first, (first + trace.collect) // 2, trace.collect, trace.collect + 1, trace.steps):
        kernel.run(f"viewer.step = {step}")
        expect(viewer).to_have_attribute("data-step", str(step))
        wait_for(lambda step=step: shown(viewer) == trace.coloured(step), f"overlay of step {step}")
    assert not trace.coloured(first - 1)
    assert trace.coloured(trace.collect + 1) != trace.coloured(trace.collect)


def test_keys_change_the_pixels(viewer: Locator, kernel: Kernel, trace: Trace) -> None:
    start = trace.collect + 3
    kernel.run(f"viewer.step = {start}")
    expect(viewer).to_have_attribute("data-step", str(start))
    viewer.focus()
    for step in (start + 1, start + 2):
        viewer.press("ArrowRight")
        expect(viewer).to_have_attribute("data-step", str(step))
        wait_for(lambda step=step: shown(viewer) == trace.coloured(step), f"overlay of step {step}")


def test_kernel_knows_what_is_selected(viewer: Locator, kernel: Kernel, trace: Trace) -> None:
    viewer.focus()
    viewer.press("End")
    expect(viewer).to_have_attribute("data-step", str(trace.steps))
    viewer.press("ArrowLeft")
    step = trace.steps - 1
    wait_for(lambda: kernel.value("viewer.step") == step, f"step {step} in the kernel")
    selected = kernel.value("viewer.selected.flatten().nonzero()[0].tolist()")
    assert set(selected) == trace.coloured(step)
    assert set(selected) == shown(viewer)


def test_play_runs_and_pause_stops(viewer: Locator, kernel: Kernel) -> None:
    viewer.get_by_role("button", name="Play", exact=True).click()
    pause = viewer.get_by_role("button", name="Pause", exact=True)
    expect(pause).to_be_visible()
    wait_for(lambda: kernel.value("viewer.playing"), "playing in the kernel")
    wait_for(lambda: int(viewer.get_attribute("data-step") or 0) >= 3, "third step")
    pause.click()
    expect(viewer.get_by_role("button", name="Play", exact=True)).to_be_visible()
    wait_for(lambda: not kernel.value("viewer.playing"), "pause in the kernel")
    step = int(viewer.get_attribute("data-step") or 0)
    wait_for(lambda: kernel.value("viewer.step") == step, f"step {step} in the kernel")
    # A second's frames in which nothing may move.
    settled(viewer.page, frames=60)
    expect(viewer).to_have_attribute("data-step", str(step))


def test_kernel_moves_the_view(viewer: Locator, kernel: Kernel) -> None:
    for step in (17, 3):
        kernel.run(f"viewer.step = {step}")
        expect(viewer).to_have_attribute("data-step", str(step))
        assert kernel.value("viewer.step") == step


def test_every_cell_ran(ran: Page, kernel: Kernel) -> None:
    assert ran.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert ran.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_nothing_was_asked_of_the_outside(viewer: Locator, watch: Watch) -> None:
    assert watch.outside == []
    assert watch.errors == []
