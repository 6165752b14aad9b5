"""Words, colours and roundings that Python and the viewer share: both read `vocabulary.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

_FILE: Mapping[str, Any] = json.loads((files(__package__) / "vocabulary.json").read_text(encoding="utf-8"))

# What rules and composites are called where they are shown, by their names.
RULES: Mapping[str, str] = _FILE["rules"]
# What a position of an input is called, by the kind that it is shown as.
POSITIONS: Mapping[str, str] = _FILE["kinds"]
# The panels in the order in which they are shown, with their titles.
PANELS: Mapping[str, str] = _FILE["panels"]
NOUNS: Mapping[str, str] = _FILE["nouns"]
# What targets are called that are neither the score of a class nor a sum of scores, by their kinds.
TARGETS: Mapping[str, str] = _FILE["targets"]
# What a contribution does, positive and negative: for a class, or to any other number.
SPEAKS: Mapping[str, Sequence[str]] = _FILE["speaks"]
# What the curve over the pops is made of.
SERIES: Mapping[str, str] = _FILE["series"]
# In percent: less is told as "less than", and more with an exponent. A share that is off by less than `noise` is all.
ROUNDING: Mapping[str, float] = _FILE["rounding"]
# Most that the collect phase takes of the axis, where anything went before it.
COLLECT: float = _FILE["axis"]["collect"]
# How strong the colour of a contribution is: the root scale, its end among many, and the opacities over a photograph.
SCALE: Mapping[str, float] = _FILE["scale"]
# Stops of the colour maps, sequential and diverging, on light pages and dark ones.
MAPS: Mapping[str, Sequence[str]] = _FILE["maps"]
PALETTES: Mapping[str, Mapping[str, str]] = _FILE["palettes"]


def rule_label(name: str) -> str:
    """What a rule is called: of one that has no word here, its name."""
    return RULES.get(name, name.replace("_", " "))
