"""What a target is called, and what it is worth, in words: twin of `core/words/targetwords.ts`."""

from __future__ import annotations

from heapwidget.trace.header import TargetValue
from heapwidget.words.vocabulary import NOUNS, SPEAKS, TARGETS


def number(value: float) -> str:
    """Four significant digits, with a real minus."""
    return f"{value:.4g}".replace("-", "−")


def target_noun(target: TargetValue) -> str:
    """What kind of number it is."""
    return TARGETS.get(target.kind or "", NOUNS["output" if target.index is None else "class"])


def whole_noun(target: TargetValue) -> str:
    """What all shares are shares of: the number itself, or its change from a baseline."""
    return target_noun(target) if target.baseline is None else NOUNS["change"]


def shared_noun(target: TargetValue) -> str:
    """The same for what tells of shares in general."""
    return NOUNS["target" if target.baseline is None else "change"]


def target_worth(target: TargetValue) -> str:
    """`logit 8.74`, and where its change is explained, `margin 8.81, 9.091 more than at baseline 0 (−0.2811)`."""
    value = f"{target_noun(target)} {number(target.value)}"
    # Where the score was taken, if not at the net's very end.
    if target.below:
        value += f" below its {target.below.replace('_', ' ')}"
    if target.baseline is None:
        return value
    more = "less" if target.change < 0 else "more"
    there = f"baseline {target.baseline} ({number(target.at_baseline)})"
    return f"{value}, {number(abs(target.change))} {more} than at {there}"


def effect(target: TargetValue, value: float) -> str:
    """What a contribution of a value's sign does to the target: `speaks for 7`, `lowers the loss`."""
    named = target.index is not None or target.kind not in TARGETS
    return f"{verb(target, value)} {target.label if named else f'the {target_noun(target)}'}"


def verb(target: TargetValue, value: float) -> str:
    """The verb of `effect` alone."""
    return SPEAKS["output" if target.index is None else "class"][int(value < 0)]
