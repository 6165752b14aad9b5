"""Refusals of targets, names and pictures, and the warnings, each with what follows its advice."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from helpers.advice import LENET, TWO, Row, X, attribute, digit, explained
from helpers.nets import DIGIT, Fn, mlp
from torch import nn

import heapwidget as hw

NAMES = ["cat", "dog", "catfish"]
TABLE = list("abcdef")
TEXT, READ = torch.rand(1, 4, 6), nn.Sequential(nn.Flatten(), nn.Linear(24, 2))
# A net that takes an image of any size, and one that weighs too much.
POOLED = nn.Sequential(nn.Conv2d(3, 4, 5, 4), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 2))
for parameter in POOLED.parameters():
    nn.init.constant_(parameter, 0.1)
LARGE = torch.rand(1, 3, 600, 600, generator=torch.Generator().manual_seed(0))
SQUARE = np.zeros((6, 1), np.uint8)


def two(**options: Any) -> Any:
    return attribute(TWO, (X, 2 * X), **options)


def read(**options: Any) -> Any:
    return attribute(READ, TEXT, **options)


def after(f: Any, target: Any = None, **options: Any) -> Any:
    return attribute(nn.Sequential(mlp(6, 3), Fn(f)), X, target=target, **options)


def against() -> nn.Module:
    """A net whose only score is negative."""
    net = nn.Linear(6, 1, bias=False)
    nn.init.constant_(net.weight, -1.0)
    return net


SEVEN = torch.tensor([7])

TARGETS = [
    Row(
        "say what to explain with target=lambda output: ... (a scalar tensor)",
        lambda: after(lambda z: (z, z)),
        lambda: after(lambda z: (z, z), target=lambda output: output[0][0, 1]),
    ),
    Row(
        "has no single class axis; say what to explain with target=lambda output: ... (a scalar tensor)",
        lambda: after(lambda z: z.reshape(1, 3, 1).expand(1, 3, 2)),
        lambda: after(lambda z: z.reshape(1, 3, 1).expand(1, 3, 2), target=lambda output: output[0, 1, 0]),
    ),
    Row(
        "the net gives torch.bool, which has no gradient and no share of relevance; let it give the real numbers that "
        "this is made of",
        lambda: after(lambda z: z > 0),
        lambda: after(lambda z: z),
    ),
    Row(
        "target=callable gives torch.int64, which has no gradient and no share of relevance; let it give the real",
        lambda: explained(target=lambda output: output.argmax()),
        lambda: explained(target=lambda output: output.max()),
    ),
    Row(
        "in which there is no score to explain; let it give one",
        lambda: after(lambda z: z[:, :0]),
        lambda: after(lambda z: z),
    ),
    Row(
        "target=callable failed on the net's output: IndexError",
        lambda: explained(target=lambda output: output[0, 9]),
        lambda: explained(target=lambda output: output[0, 2]),
    ),
    Row(
        "target=callable must give a tensor of one number, not a tensor of shape (1, 3)",
        lambda: explained(target=lambda output: output),
        lambda: explained(target=lambda output: output[0, 1]),
    ),
    Row(
        "a contrast is a pair (this, minus that)", lambda: explained(target=(0, 1, 2)), lambda: explained(target=(0, 1))
    ),
    Row(
        "give it (class, weight) pairs, such as [(7, 1.0), (1, -0.5)]",
        lambda: digit(target=[]),
        lambda: digit(target=[(7, 1.0), (1, -0.5)]),
    ),
    Row(
        "which is no pair (class, weight) such as (7, 1.0)", lambda: digit(target=[7]), lambda: digit(target=[(7, 1.0)])
    ),
    Row("which is no number", lambda: digit(target=[(7, "1")]), lambda: digit(target=[(7, 1)])),
    Row("a weight must be finite", lambda: digit(target=[(7, np.inf)]), lambda: digit(target=[(7, 1e3)])),
    Row(
        "class_names has 2 names, but the net gives 3 scores",
        lambda: explained(class_names=NAMES[:2]),
        lambda: explained(class_names=NAMES),
    ),
    Row(
        "is a class against the rest, but the net gives a single score; take target=0",
        lambda: attribute(mlp(6, 1), X, target=(0, None)),
        lambda: attribute(mlp(6, 1), X, target=0),
    ),
    Row(
        "is a class against the rest, but the net says yes or no to each class alone; take target=1",
        lambda: after(torch.sigmoid, (1, None)),
        lambda: after(torch.sigmoid, 1),
    ),
    Row(
        "target 'dog' is a name: pass class_names=[...] too, or a class index",
        lambda: explained(target="dog"),
        lambda: [explained(target="dog", class_names=NAMES), explained(target=1)],
    ),
    Row(
        "the nearest are 'cat'",
        lambda: explained(target="cta", class_names=NAMES),
        lambda: explained(target="cat", class_names=NAMES),
    ),
    Row(
        "target must be a class index, a class name, a pair of them, a list of (class, weight) pairs or a callable",
        lambda: explained(target=1.5),
        lambda: [
            explained(target=t, class_names=NAMES)
            for t in (1, "dog", (1, "cat"), [(1, 1.0)], lambda output: output.sum())
        ],
    ),
    Row("the net gives 3 scores, 0 to 2", lambda: explained(target=3), lambda: [explained(target=i) for i in range(3)]),
]

PICTURES = [
    Row(
        "class_names must be a list of names by class index",
        lambda: explained(class_names=3),
        lambda: explained(class_names=NAMES),
    ),
    Row(
        "not the class indices from 0 on",
        lambda: explained(class_names={1: "cat", 2: "dog", 3: "fish"}),
        lambda: explained(class_names={0: "cat", 1: "dog", 2: "fish"}),
    ),
    Row(
        "so image must be a tuple of 2: a picture or None for each",
        lambda: two(image=SQUARE),
        lambda: two(image=(SQUARE, None)),
    ),
    Row("image must be an array of numbers", lambda: digit(image="seven.png"), lambda: digit(image=np.zeros((28, 28)))),
    Row(
        "it must be (height, width) or (height, width, 3)",
        lambda: digit(image=np.zeros((3, 28, 28))),
        lambda: [digit(image=np.zeros((28, 28))), digit(image=np.zeros((28, 28, 3)))],
    ),
    Row(
        "image has 5 x 5 pixels, but x has 28 x 28 positions; they must agree",
        lambda: digit(image=np.zeros((5, 5))),
        lambda: digit(image=np.zeros((28, 28))),
    ),
    Row(
        "name its positions one way",
        lambda: explained(feature_names=TABLE, tokens=TABLE),
        lambda: [explained(feature_names=TABLE), explained(tokens=TABLE)],
    ),
    Row(
        "feature_names names the columns of a table, but x of shape (4, 6) is no row of one",
        lambda: read(feature_names=TABLE),
        lambda: explained(feature_names=TABLE),
    ),
    Row(
        "feature_names has 5 names, but x has 6 features",
        lambda: explained(feature_names=TABLE[:5]),
        lambda: explained(feature_names=TABLE),
    ),
    Row(
        "tokens names the rows of (tokens, features), but x has shape (1, 28, 28)",
        lambda: digit(tokens=["a"]),
        lambda: read(tokens=TABLE[:4]),
    ),
    Row(
        "tokens has 3 words, but x has shape (4, 6), with 4 tokens",
        lambda: read(tokens=TABLE[:3]),
        lambda: read(tokens=TABLE[:4]),
    ),
    Row(
        "so feature_names must be a tuple of 2: a list of names or None for each",
        lambda: two(feature_names=TABLE),
        lambda: two(feature_names=(TABLE, None)),
    ),
    Row(
        "feature_names must be a list of names, one a position",
        lambda: explained(feature_names="abcdef"),
        lambda: explained(feature_names=TABLE),
    ),
]

WEIGHT = [
    Row(
        "MB to the browser, which a saved notebook keeps; it is less with a smaller input if the net takes it, "
        "x[..., ::2, ::2], or with a picture in its place, attribute(net, x).plot()",
        lambda: hw.explain(POOLED, LARGE, target=0, progress=False),
        lambda: [
            hw.explain(POOLED, LARGE[..., ::2, ::2], target=0, progress=False),
            attribute(POOLED, LARGE, target=0).plot(),
        ],
    )
]

WARNINGS = [
    *WEIGHT,
    Row(
        "take rule='epsilon', which tells apart what raises a score and what lowers it",
        lambda: attribute(against(), X),
        lambda: attribute(against(), X, rule="epsilon"),
    ),
    Row(
        "explain the score that it is made of, with target=7, or take method='gradient'",
        lambda: digit(target=lambda output: F.log_softmax(output, 1)[0, 7]),
        lambda: [
            digit(target=7),
            attribute(LENET, DIGIT, target=lambda output: F.log_softmax(output, 1)[0, 7], method="gradient"),
        ],
    ),
    Row(
        "take method='gradient', which follows the slope of the target",
        lambda: attribute(nn.Sequential(LENET, Fn(lambda z: F.nll_loss(z.log_softmax(1), SEVEN))), DIGIT, floor=0.1),
        lambda: attribute(
            nn.Sequential(LENET, Fn(lambda z: F.nll_loss(z.log_softmax(1), SEVEN))), DIGIT, method="gradient"
        ),
    ),
    Row(
        "the target is 0, so there is nothing to share out; take method='gradient'",
        lambda: attribute(torch.nn.Linear(2, 1, bias=False), torch.zeros(1, 2)),
        lambda: attribute(torch.nn.Linear(2, 1, bias=False), torch.zeros(1, 2), method="gradient"),
    ),
]

ROWS = [*TARGETS, *PICTURES]
