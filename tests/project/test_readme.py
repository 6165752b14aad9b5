"""What the README shows and claims is what happens."""

import re
from pathlib import Path

import pytest
from captum.attr import LRP, DeepLift

from heapwidget.samples import digits, lenet

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r" +\d+(?:\.\d+)?(?=%|$| )", re.MULTILINE)


def test_example_prints_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    [shown] = re.findall(r"```\n(explained.*?)```", README, re.DOTALL)
    printed = capsys.readouterr().out
    assert NUMBER.split(printed) == NUMBER.split(shown)
    # Another processor may round the last digits differently.
    values, expected = ([float(number) for number in NUMBER.findall(text)] for text in (printed, shown))
    assert values == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("method", [LRP, DeepLift])
@pytest.mark.filterwarnings("ignore")
def test_captum_refuses_in_the_words_quoted(method: type[LRP] | type[DeepLift]) -> None:
    x = digits().images[7:8, None].float() / 255
    with pytest.raises(RuntimeError) as refusal:
        method(lenet()).attribute(x, target=7)
    quotes = [" ".join(re.sub(r"^ *>", "", line, flags=re.MULTILINE).split()) for line in README.split("\n\n")]
    assert str(refusal.value) in quotes


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_there_and_small(theme: str) -> None:
    picture = Path(__file__).resolve().parents[2] / "docs" / f"viewer-{theme}.png"
    assert f"docs/viewer-{theme}.png" in README
    assert picture.stat().st_size < 300_000
