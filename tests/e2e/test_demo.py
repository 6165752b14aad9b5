"""``python -m heapwidget demo``: the page opens from disk, works, and may do nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.browser.jupyter import Watch, wait_for
from playwright.sync_api import Browser, expect

# What the page's own policy must refuse: foreign script, style, pictures and requests.
TRIES = """() => {
    window.refused = new Set();
    document.addEventListener("securitypolicyviolation", (event) => refused.add(event.effectiveDirective));
    const script = Object.assign(document.createElement("script"), { textContent: "window.ran = true" });
    const style = Object.assign(document.createElement("style"), { textContent: "body { display: none }" });
    document.head.append(script, style);
    document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/x.png" }));
    fetch("http://127.0.0.1:9/").catch(() => undefined);
}"""
REFUSED = {"connect-src", "img-src", "script-src-elem", "style-src-elem"}


@pytest.fixture(scope="module")
def demo(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "seven of mine.html"
    command = [sys.executable, "-m", "heapwidget", "demo", "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(path.resolve())
    return path


def test_demo_opens_from_disk_and_asks_for_nothing(browser: Browser, demo: Path) -> None:
    context = browser.new_context()
    watch = Watch()
    watch.attach(context)
    page = context.new_page()
    page.goto(demo.as_uri())
    viewer = page.locator(".heapwidget")
    steps = str(viewer.get_attribute("data-steps"))
    viewer.focus()
    viewer.press("End")
    expect(viewer).to_have_attribute("data-step", steps)
    expect(page.get_by_role("status")).to_contain_text("It was the last: the heap is empty.")
    assert watch.errors == []
    assert watch.outside in ([], [demo.as_uri()])
    assert demo.stat().st_size < 600_000
    context.close()


def test_its_policy_refuses_all_else(browser: Browser, demo: Path) -> None:
    page = browser.new_page()
    page.goto(demo.as_uri())
    page.evaluate(TRIES)
    wait_for(lambda: set(page.evaluate("[...refused]")) == REFUSED, "refusal of all")
    assert page.evaluate("window.ran ?? false") is False
    expect(page.locator(".heapwidget")).to_be_visible()
    page.close()
