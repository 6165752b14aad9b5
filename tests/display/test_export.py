"""The page that `to_html` and ``python -m heapwidget demo`` write: whole, closed, and small."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import heapwidget as hw
from heapwidget.__main__ import main
from heapwidget.display import page as export
from heapwidget.display import payload

NASTY = "</script><script>alert(1)</script><!-- &amp; \u2028"


class Elements(HTMLParser):
    """The page as a browser takes it apart: elements with their attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))
        self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            tag, attributes, text = self.found[-1]
            self.found[-1] = tag, attributes, text + data

    def named(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


@pytest.fixture(scope="module")
def explanation() -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 3))
    return hw.attribute(net, torch.rand(1, 1, 3, 3))


@pytest.fixture(scope="module")
def nasty(explanation: hw.Explanation) -> hw.Explanation:
    trace = explanation.trace
    header = replace(trace.header, target=replace(trace.header.target, label=NASTY))
    renamed = type(trace)(header, trace.columns)
    return hw.Explanation.of(explanation.x, renamed, trace.contributions, None, explanation.images)


def test_labels_cannot_leave_their_place(bundle: Path, nasty: hw.Explanation) -> None:
    page = Elements(export.page(export.Shown.at(nasty)))
    (_, data), (_, _script) = page.named("script")
    assert json.loads(data)["header"]["target"]["label"] == NASTY
    assert page.named("title") == [({}, f"{NASTY} · heapwidget")]


def test_policy_allows_the_page_itself_and_nothing_else(bundle: Path, explanation: hw.Explanation) -> None:
    page = Elements(export.page(export.Shown.at(explanation)))
    policy = next(a["content"] for a, _ in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    digest = {
        name: b64encode(sha256(text.encode()).digest()).decode()
        for name, text in (("script-src", page.named("script")[1][1]), ("style-src", page.named("style")[0][1]))
    }
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"} | {
        name: f"'sha256-{value}'" for name, value in digest.items()
    }
    assert not any(set(attributes) & {"src", "href", "style"} for _, attributes, _ in page.found)


def test_data_is_the_trace(bundle: Path, explanation: hw.Explanation) -> None:
    data = json.loads(Elements(export.page(export.Shown.at(explanation))).named("script")[0][1])
    assert data["header"] == json.loads(json.dumps(dict(explanation.trace.header)))
    for name, column in explanation.trace.columns.items():
        assert np.array_equal(np.frombuffer(b64decode(data["columns"][name]), column.dtype), column)
    assert [len(b64decode(part["pixels"])) for part in data["input"]["parts"]] == [9]


def test_script_without_its_own_end() -> None:
    assert export._harmless('a="</script><!--<script"') == 'a="\\x3c/script>\\x3c!--\\x3cscript"'


def test_a_missing_bundle_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, explanation: hw.Explanation) -> None:
    monkeypatch.setattr(payload, "STATIC", tmp_path)
    with pytest.raises(RuntimeError, match=r"pip install"):
        explanation.to_html(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_demo_is_one_small_page(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    written = tmp_path / "heapwidget-demo.html"
    assert capsys.readouterr().out.strip() == str(written)
    assert [p.name for p in tmp_path.iterdir()] == [written.name]
    assert written.stat().st_size < 600_000
    assert re.search(r'"label":"7"', written.read_text(encoding="utf-8"))


def test_demo_goes_where_it_is_told(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path / "a b.html")]) == 0
    assert (tmp_path / "a b.html").is_file()
    assert main(["demo", "-o", str(tmp_path / "missing" / "x.html")]) == 1
    assert "missing" in capsys.readouterr().err
