"""Ten viewers in one page: all go on at the same time, and what is closed leaves nothing behind."""

from collections.abc import Iterator

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, running, wait_for
from helpers.browser.pages import settled
from helpers.browser.saved import show_saved
from playwright.sync_api import Browser, Page, expect

import heapwidget as hw

NOTEBOOK = "many.ipynb"
CELL = """import heapwidget as hw
from IPython.display import display
e = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255)
viewers = [e.view() for _ in range(10)]
display(*viewers)"""

# Everything that outlives an element: timers, frames, observers, and listeners of the page itself.
COUNT = """(() => {
    const live = { timers: new Set(), frames: new Set(), observers: new Set(), listeners: 0 };
    const once = (name, undo, set) => {
        const [start, stop] = [window[name], window[undo]];
        window[name] = (f, ...rest) => {
            const id = start.call(window, (...x) => { set.delete(id); f(...x); }, ...rest);
            set.add(id);
            return id;
        };
        window[undo] = (id) => { set.delete(id); stop.call(window, id); };
    };
    once("setTimeout", "clearTimeout", live.timers);
    once("requestAnimationFrame", "cancelAnimationFrame", live.frames);
    for (const name of ["ResizeObserver", "MutationObserver", "IntersectionObserver"]) {
        window[name] = class extends window[name] {
            observe(...x) { live.observers.add(this); super.observe(...x); }
            disconnect() { live.observers.delete(this); super.disconnect(); }
        };
    }
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    const ofPage = (target) => target === window || target === document || target instanceof MediaQueryList;
    EventTarget.prototype.addEventListener = function (type, f, options) {
        const target = this ?? window;
        if (ofPage(target)) {
            live.listeners += 1;
            const end = () => { live.listeners -= 1; };
            if (options?.signal) addEventListener.call(options.signal, "abort", end, { once: true });
        }
        return addEventListener.call(target, type, f, options);
    };
    EventTarget.prototype.removeEventListener = function (type, f, options) {
        if (ofPage(this ?? window)) live.listeners -= 1;
        return removeEventListener.call(this ?? window, type, f, options);
    };
    window.count = () => ({
        timers: live.timers.size, frames: live.frames.size, observers: live.observers.size, listeners: live.listeners,
    });
})()"""

NOTHING = {"timers": 0, "frames": 0, "observers": 0, "listeners": 0}


@pytest.fixture(scope="module")
def viewers(bundle: object) -> list[hw.HeapViewer]:
    e = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255)
    return [e.view(interval=20) for _ in range(10)]


@pytest.fixture
def bare(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1000, "height": 1000})
    watch = Watch()
    watch.attach(context)
    context.add_init_script(COUNT)
    page = context.new_page()
    page.goto("about:blank")
    yield page
    context.close()
    assert watch.errors == []


def collected(page: Page) -> int:
    """How many of `window.refs` are still there after the garbage was collected."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.detach()
    return page.evaluate("window.refs.filter((ref) => ref.deref()).length")


REMEMBER = "window.refs = [...document.querySelectorAll('.heapwidget')].map((root) => new WeakRef(root)), undefined"


def test_ten_play_at_once_and_closed_ones_leave_nothing(bare: Page, viewers: list[hw.HeapViewer]) -> None:
    show_saved(bare, *viewers)
    roots = bare.locator(".heapwidget")
    expect(roots).to_have_count(10)
    bare.evaluate("viewers.forEach(({ model }) => model.set('playing', true))")
    wait_for(lambda: all(int(root.get_attribute("data-step") or 0) > 20 for root in roots.all()), "twenty pops of each")
    during = bare.evaluate("count()")
    assert during["observers"] >= 30
    assert during["listeners"] >= 20
    bare.evaluate(REMEMBER)
    # Closing an output takes the views away and leaves the models.
    bare.evaluate("viewers.forEach((viewer) => { viewer.unmount(); viewer.el.remove(); })")
    expect(roots).to_have_count(0)
    wait_for(lambda: bare.evaluate("count()") == NOTHING, "end of all timers and listeners")
    assert bare.evaluate("viewers.map(({ model }) => model.get('playing'))") == [False] * 10
    steps = bare.evaluate("viewers.map(({ model }) => model.get('step'))")
    bare.evaluate("viewers.forEach(({ stop }) => stop())")
    assert bare.evaluate("viewers.map(({ model }) => model.listening())") == [0] * 10
    assert min(steps) > 20
    bare.evaluate("viewers.length = 0")
    wait_for(lambda: collected(bare) == 0, "end of all elements")


def test_a_view_that_is_closed_leaves_the_other_playing(bare: Page, viewers: list[hw.HeapViewer]) -> None:
    show_saved(bare, viewers[0])
    bare.evaluate("""async () => {
        const { widget, model } = viewers[0];
        window.second = document.body.appendChild(document.createElement("div"));
        window.close = await widget.render({ model, el: second });
    }""")
    before = bare.evaluate("count()")
    bare.evaluate("viewers[0].model.set('playing', true)")
    bare.evaluate("window.close()")
    after = bare.evaluate("count()")
    assert after["observers"] == before["observers"] / 2
    assert after["listeners"] == before["listeners"] / 2
    root = bare.locator(".heapwidget")
    expect(root).to_have_count(1)
    wait_for(lambda: int(root.get_attribute("data-step") or 0) > 5, "pops of the one that is left")


def test_what_is_out_of_sight_is_drawn_when_it_comes_back_or_stops(bare: Page, viewers: list[hw.HeapViewer]) -> None:
    show_saved(bare, *viewers)
    first, last = bare.locator(".heapwidget").first, bare.locator(".heapwidget").last
    expect(first).to_be_in_viewport()
    expect(last).not_to_be_in_viewport()
    count = last.locator(".hw-count b")
    expect(count).to_have_text("0")
    bare.evaluate("viewers.forEach(({ model }) => model.set('playing', true))")
    wait_for(lambda: int(last.get_attribute("data-step") or 0) > 10, "pops of the last")
    expect(first.locator(".hw-count b")).not_to_have_text("0")
    drawn = int(count.inner_text())
    assert drawn < int(last.get_attribute("data-step") or 0)
    last.scroll_into_view_if_needed()
    wait_for(lambda: int(count.inner_text()) > drawn, "the last to be drawn again")
    bare.evaluate("viewers.forEach(({ model }) => model.set('playing', false))")
    # The last pop before the stop is drawn with the next frame.
    settled(bare)
    for viewer in (first, last):
        expect(viewer.locator(".hw-count b")).to_have_text(str(viewer.get_attribute("data-step")))


@pytest.fixture(scope="module")
def kernel(page: Page, server: Server) -> Iterator[Kernel]:
    with running(page, server, NOTEBOOK, CELL) as kernel:
        yield kernel


def test_cleared_outputs_are_gone_from_jupyterlab(page: Page, kernel: Kernel, watch: Watch) -> None:
    roots = page.locator(".heapwidget")
    expect(roots).to_have_count(10)
    kernel.run("for viewer in viewers: viewer.playing = True")
    wait_for(lambda: kernel.value("min(viewer.step for viewer in viewers)") > 5, "pops of each")
    page.evaluate(REMEMBER)
    page.locator('.lm-MenuBar-itemLabel:text-is("Edit")').click()
    page.locator('.lm-Menu-item[data-command="editmenu:clear-all"]').click()
    expect(roots).to_have_count(0)
    wait_for(lambda: not any(kernel.value("[viewer.playing for viewer in viewers]")), "end of play")
    wait_for(lambda: collected(page) == 0, "end of all elements")
    assert watch.errors == []
