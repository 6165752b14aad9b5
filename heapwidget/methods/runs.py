"""The recorded run that methods look into, seen to be one example's and the net's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from heapwidget.arguments.batches import check_single, recorded
from heapwidget.arguments.question import Question
from heapwidget.engine.capture import Recording, confirm
from heapwidget.engine.finite import check_finite
from heapwidget.methods.ends import EACH_ALONE, scores_below


@dataclass(frozen=True)
class Run:
    """A recorded run whose output are the scores that are explained.

    Attributes
    ----------
    begins
        Where infinity begins, if the net puts some in.
    below
        What the net ends in, where the scores below that are explained.
    decides
        Whether the score alone says yes or no, as of a net with a single one.
    """

    recording: Recording
    begins: str | None
    below: str | None
    decides: bool


@contextmanager
def run_of(question: Question) -> Iterator[Run]:
    """The run, and a context in which numbers are full: the net alone has autocast on, as its caller has it."""
    recording = recorded(question)
    check_single(question, recording.inputs, recording.output, recording.run_as)
    begins = check_finite(question.net, recording)
    if question.verify:
        confirm(question.net, recording, question.head)
    recording, below = (recording, None) if callable(question.target) else scores_below(recording)
    decides = recording.output.numel() == 1 or below in EACH_ALONE
    with torch.autocast(question.inputs[0].device.type, enabled=False):
        yield Run(recording, begins, below, decides)
