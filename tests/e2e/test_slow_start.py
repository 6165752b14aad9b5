"""Where a page is slow to start, anywidget gives its models up: viewers hear Python all the same."""

from collections.abc import Iterator

import pytest
from helpers.browser.jupyter import Kernel, Server, running, wait_for
from playwright.sync_api import Page, expect

CELL = """import heapwidget as hw
from IPython.display import display
e = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, max_pops=50)
viewers = [e.view(), e.view()]
display(*viewers)"""

# anywidget waits two seconds for a model's module: here that is over before it has asked for it.
IMPATIENT = """(() => {
    const { timeout } = AbortSignal;
    window.givenUp = 0;
    AbortSignal.timeout = (milliseconds) => {
        if (milliseconds !== 2000) return timeout.call(AbortSignal, milliseconds);
        const controller = new AbortController();
        queueMicrotask(() => { window.givenUp += 1; controller.abort(); });
        return controller.signal;
    };
})()"""


@pytest.fixture(scope="module")
def kernel(page: Page, server: Server) -> Iterator[Kernel]:
    page.context.add_init_script(IMPATIENT)
    with running(page, server, "slow.ipynb", CELL) as kernel:
        yield kernel


def test_models_that_anywidget_gave_up_hear_python(page: Page, kernel: Kernel) -> None:
    roots = page.locator(".heapwidget")
    expect(roots).to_have_count(2)
    assert page.evaluate("window.givenUp") >= 2
    kernel.run("for viewer in viewers: viewer.step = 7")
    for root in roots.all():
        expect(root).to_have_attribute("data-step", "7")
    kernel.run("for viewer in viewers: viewer.playing = True")
    wait_for(lambda: kernel.value("min(viewer.step for viewer in viewers)") > 9, "pops of each")


def test_they_know_that_python_is_there(page: Page, kernel: Kernel) -> None:
    viewer = page.locator(".heapwidget").first
    viewer.get_by_role("button", name="Refine", exact=True).click()
    expect(viewer.get_by_role("button", name="Go on")).to_be_enabled()
