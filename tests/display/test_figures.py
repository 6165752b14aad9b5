"""`plot()` and `summary()`: figures of images, vectors and signals, without pyplot, and a few true lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.zoo import animal
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import nn

import heapwidget as hw
from heapwidget.findings.summary import half, rows, shortened
from heapwidget.words.percents import percent


def image(channels: int, **options: object) -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    return hw.attribute(net, torch.rand(1, channels, 8, 8), **options)  # type: ignore[arg-type]


def vector(size: int, **options: object) -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(size, 6), nn.ReLU(), nn.Linear(6, 2))
    return hw.attribute(net, torch.randn(1, size), **options)  # type: ignore[arg-type]


def signal(channels: int) -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv1d(channels, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 76, 2))
    return hw.attribute(net, torch.randn(1, channels, 80))


def volume() -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 27, 2))
    return hw.attribute(net, torch.randn(1, 1, 4, 4, 4))


def flat_picture() -> hw.Explanation:
    torch.manual_seed(0)
    return hw.attribute(nn.Linear(20, 2), torch.rand(1, 20), image=np.zeros((4, 5), np.uint8))


def several(name: str, method: str = "relevance") -> hw.Explanation:
    net, x = animal(name)
    return hw.attribute(net, x, target=lambda out: out.abs().sum(), method=method)


EXPLANATIONS: dict[str, Callable[[], hw.Explanation]] = {
    "grey image": lambda: image(1),
    "colour image": lambda: image(3),
    "five channels": lambda: image(5),
    "signed": lambda: image(3, rule="epsilon"),
    "gradient": lambda: image(3, method="gradient"),
    "ascending": lambda: image(1, method="gradient", order="ascending"),
    "article": lambda: image(3, method="article"),
    "stopped": lambda: image(1, max_pops=3),
    "no walk": lambda: image(1, max_pops=0),
    "nothing": lambda: image(1, target=[(0, 0.0)]),
    "negative": lambda: image(1, target=lambda out: -out.abs().sum()),
    "short vector": lambda: vector(5),
    "long vector": lambda: vector(300),
    "signed vector": lambda: vector(5, rule="epsilon"),
    "one number": lambda: vector(1),
    "signal": lambda: signal(2),
    "many channels": lambda: signal(12),
    "volume": volume,
    "flat picture": flat_picture,
    "two inputs": lambda: several("picture and table"),
    "two images": lambda: several("two images compared", "gradient"),
    "three inputs": lambda: several("three inputs"),
    "three texts": lambda: several("three texts", "article"),
    "an unread input": lambda: several("an input unread"),
    "long names": lambda: image(1, class_names=["a" * 200, "<b>$x_1$</b>", "$"]),
}


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_every_kind_is_drawn_and_told(name: str) -> None:
    e = EXPLANATIONS[name]()
    figure = e.plot()
    assert isinstance(figure, Figure)
    data = BytesIO()
    figure.savefig(data, format="png", dpi=50)
    assert data.getvalue().startswith(b"\x89PNG")
    assert e.trace.header["target"]["label"] in e.summary()
    assert "nan" not in e.summary()


@pytest.mark.parametrize(("kind", "magic"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_print_formats(kind: str, magic: bytes) -> None:
    data = BytesIO()
    image(3).plot().savefig(data, format=kind)
    assert data.getvalue().startswith(magic)


def test_names_are_text_and_no_formulas() -> None:
    figure = image(1, class_names=["$x_1$", "$", "a$b$"], target=0).plot()
    name = figure.texts[0]
    assert name.get_text() == "$x_1$"
    assert not name.get_parse_math()


OUTLINES = ["grey image", "signed", "article", "signal", "long names", "two inputs", "two images", "three inputs"]


@pytest.mark.parametrize("name", OUTLINES)
def test_nothing_is_drawn_outside_of_the_figure(name: str) -> None:
    figure = EXPLANATIONS[name]().plot()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    tight = figure.get_tightbbox(canvas.get_renderer())
    inches = figure.bbox_inches
    assert tight.x0 >= inches.x0
    assert tight.y0 >= inches.y0
    assert tight.x1 <= inches.x1
    assert tight.y1 <= inches.y1


@pytest.mark.parametrize("name", ["grey image", "short vector", "two inputs", "two images", "three inputs"])
def test_no_words_lie_on_others(name: str) -> None:
    figure = EXPLANATIONS[name]().plot()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # Titles, notes, names and numbers; matplotlib keeps labels of ticks that it does not draw.
    words = [*figure.texts, *(text for axes in figure.axes for text in axes.get_children() if isinstance(text, Text))]
    words += [axes.xaxis.label for axes in figure.axes]
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in words if text.get_text()]
    assert len(boxes) > 6
    for (one, a), (other, b) in combinations(boxes, 2):
        assert not a.overlaps(b), f"{one!r} lies on {other!r}"


def test_several_inputs_are_drawn_by_name_with_their_shares() -> None:
    e = several("picture and table")
    titles = [axes.get_title(loc="left") for axes in e.plot().axes if axes.get_title(loc="left")]
    shares = [percent(float(a.sum()) / e.ledger.target) for a in e.attribution]
    assert titles == [f"x1: {shares[0]}", "Contributions", f"x2: {shares[1]}", "Contributions", "Over the pops"]
    words = " ".join(text.get_text() for text in e.plot().findobj(Text))
    chosen = half(e)
    assert f"outlined: {(chosen < 64).sum()} of the first {len(chosen)}" in words
    assert f"▲ {(chosen >= 64).sum()} of the first {len(chosen)}" in words


def test_no_pyplot_and_no_matplotlib_before_it_is_wanted() -> None:
    code = """
import sys, torch, heapwidget as hw
assert "matplotlib" not in sys.modules
e = hw.attribute(torch.nn.Linear(3, 2), torch.rand(1, 3))
e.summary()
assert "matplotlib" not in sys.modules
e.plot()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_notebook_shows_it() -> None:
    assert image(1).plot()._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_a_loaded_explanation_is_drawn_too(tmp_path: Path) -> None:
    e = image(3)
    e.save(tmp_path / "a.npz")
    again = hw.load(tmp_path / "a.npz")
    assert again.summary() == e.summary()
    again.plot().savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_the_outline_is_around_what_holds_half() -> None:
    e = image(1)
    keys = e.trace.columns["pop_mass"][e.trace.selecting].astype(float)
    chosen = half(e)
    assert chosen.tolist() == e.order[: len(chosen)].tolist()
    assert keys[: len(chosen)].sum() >= keys.sum() / 2 > keys[: len(chosen) - 1].sum()


def test_the_bars_add_up_to_the_target() -> None:
    e = image(1, rule="epsilon")
    shares = [share for _, share, _ in rows(e)]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    texts = [t.get_text() for t in e.plot().axes[-1].texts]
    assert texts == [percent(share) for share in shares]


@pytest.mark.parametrize(("rule", "shown"), [("zplus", True), ("epsilon", False)])
def test_a_bound_above_all_else_is_left_out(rule: str, shown: bool) -> None:
    x = hw.samples.digits().images[7:8, None].float() / 255
    curve = hw.attribute(hw.samples.lenet(), x, rule=rule, max_pops=500).plot().axes[3]
    assert curve.get_title(loc="left") == "Over the pops"
    assert ("certified error" in [text.get_text() for text in curve.get_legend().get_texts()]) == shown


def test_text_in_pdf_files_is_text() -> None:
    data = BytesIO()
    vector(5).plot().savefig(data, format="pdf")
    # Outlines of letters, "Type 3", are what journals send back.
    assert b"/Type3" not in data.getvalue()
    assert b"/Type42" in data.getvalue() or b"/TrueType" in data.getvalue() or b"/CIDFontType2" in data.getvalue()


def test_next_to_nothing_is_told_in_numbers() -> None:
    torch.manual_seed(0)
    net = nn.Linear(10_000, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1.0)
    e = hw.attribute(net, torch.linspace(1, 2, 10_000)[None], max_pops=0)
    assert e.summary().splitlines()[-1].startswith("first     input (9999) 2, input (9998) 2, ")


def test_summary_of_a_known_net() -> None:
    # x = (1, 3), w = (1, 1), b = 0: t = 4, of which x1 brought 1 and x2 brought 3.
    net = nn.Linear(2, 1)
    with torch.no_grad():
        net.weight.fill_(1.0)
        net.bias.fill_(0.0)
    e = hw.attribute(net, torch.tensor([[1.0, 3.0]]))
    assert e.summary().splitlines() == [
        "0: logit 4 · relevance, z⁺",
        "",
        "explained 100 % is on the input, on 2 of 2 features; half of that on the first 1",
        "walk      1 pop brought 100 % to the input; the floor was 0.03 % of the target",
        "certain   the first 2 of 2 features by pop 1",
        "error     exact: what the walk left was passed on layer by layer",
        "first     input (1) 75 %, input (0) 25 %",
    ]


def test_shortened() -> None:
    assert shortened("layer", 5) == "layer"
    assert shortened("layers", 5) == "laye…"
    assert shortened("dead end of _blocks.15._depthwise_conv.conv", 28) == "dead end of _blocks.15.…conv"


@pytest.mark.parametrize("kind", ["feature_names", "tokens"])
def test_named_positions_are_bars_by_name(kind: str) -> None:
    torch.manual_seed(0)
    names = [f"${i} <b>" for i in range(20)]
    table = kind == "feature_names"
    net = nn.Sequential(nn.Linear(20, 6), nn.ReLU(), nn.Linear(6, 3))
    if not table:
        net = nn.Sequential(nn.Linear(4, 3), nn.Flatten(), nn.Linear(60, 2))
    e = hw.attribute(net, torch.randn(1, 20) if table else torch.randn(1, 20, 4), rule="epsilon", **{kind: names})
    axes = e.plot().axes[0]
    values = e.trace.position_contributions(0)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    largest = np.argsort(-np.abs(values), kind="stable")[: len(labels)]
    shown = largest if table else np.sort(largest)
    assert labels == [names[i] for i in shown]
    assert len(labels) < 20
    assert [bar.get_width() for bar in axes.patches[: len(labels)]] == pytest.approx(values[shown].tolist())
    bold = {label.get_text() for label in axes.get_yticklabels() if label.get_fontweight() == "bold"}
    assert bold
    assert bold <= {names[i] for i in half(e)}


def test_names_with_dollar_signs_are_names() -> None:
    """What comes from the net or its user is text, also where it would be no formula."""
    odd = ["$5 \\frac{", "$x_{$", "${}$"]
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))
    figure = hw.attribute(net, torch.ones(1, 3), target=1, class_names=odd, feature_names=odd).plot()
    figure.savefig(BytesIO(), format="png")
    shown = "".join(text.get_text() for text in figure.findobj(Text))
    assert all(name in shown for name in odd)
