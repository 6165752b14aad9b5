"""What a method is: it owns its options, and makes of a question a trace and the contributions of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from heapwidget.arguments.baseline import Baseline, baseline_inputs
from heapwidget.arguments.question import Question, check_single, recorded
from heapwidget.arguments.targets import Choice
from heapwidget.engine.capture import Recording, confirm
from heapwidget.engine.finite import check_finite, check_found
from heapwidget.engine.flow import Array, host
from heapwidget.methods.ends import scores_below
from heapwidget.methods.traces import collect, input_layers, make_header, told
from heapwidget.methods.walked import RelevanceWalk
from heapwidget.trace.header import Phases
from heapwidget.trace.trace import Trace

HALVES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Answer:
    """What a method found.

    Attributes
    ----------
    contributions
        Of each input's units, in its shape without a batch axis.
    inputs
        As the net takes them, with their batch axes.
    walk
        Where there is one to continue.
    decides
        Whether the score alone says yes or no, as of a net with a single one.
    choice
        What is explained of the net's scores.
    """

    trace: Trace
    contributions: Sequence[Array]
    inputs: tuple[Tensor, ...]
    walk: RelevanceWalk | None = None
    decides: bool = False
    choice: Choice | None = None

    @classmethod
    def of_inputs(
        cls,
        method: str,
        question: Question,
        inputs: tuple[Tensor, ...],
        contributions: Sequence[Tensor],
        choice: Choice,
        value: float,
        ascending: bool = False,
    ) -> Answer:
        """The answer of a method that looks at no other layer: one heap of the inputs' positions, channels summed.

        Raises
        ------
        ValueError
            If contributions are no numbers that a trace can hold.
        """
        layers = input_layers(question, inputs)
        found = [
            host(c.float() if c.dtype in HALVES else c).reshape(layer.shape)
            for c, layer in zip(contributions, layers, strict=True)
        ]
        check_found(found, None, "method='relevance'")
        nodes, keys = collect([layer.partition for layer in layers], found, ascending, zeros=True)
        order, phases = "ascending" if ascending else "descending", Phases(collect=len(nodes))
        header = make_header(method, choice, value, layers, None, order=order, phases=phases)
        return cls(Trace(header, told(nodes, keys, found)), found, inputs, choice=choice)


class Method(Protocol):
    """A method: its fields with defaults are its options, which it checks as it is made.

    Attributes
    ----------
    name
        What `attribute(..., method=name)` takes.
    """

    name: ClassVar[str]

    def answer(self, question: Question) -> Answer:
        """What is found; the caller's modes are set aside, those of the engine are on."""


@dataclass(frozen=True)
class Run:
    """A recorded run whose output are the scores that are explained.

    Attributes
    ----------
    begins
        Where infinity begins, if the net puts some in.
    below
        What the net ends in, where the scores below that are explained.
    """

    recording: Recording
    begins: str | None
    below: str | None


def at_baseline(question: Question, run: Run, baseline: Baseline) -> list[Recording]:
    """The runs on a baseline, or on several, ended where the run on x is.

    Raises
    ------
    ValueError
        If the baseline does not fit, or the net gives no numbers on it.
    """
    found = []
    for inputs in baseline_inputs(baseline, run.recording.inputs, question.channel_axes):
        recording = question.record(inputs)
        try:
            check_finite(question.net, recording)
        except ValueError as error:
            raise ValueError(f"on the baseline, {error}; take another, such as baseline='mean', or None") from None
        found.append(recording if run.below is None else scores_below(recording)[0])
    return found


@contextmanager
def run_of(question: Question) -> Iterator[Run]:
    """The run, and a context in which numbers are full: the net alone has autocast on, as its caller has it."""
    recording = recorded(question)
    check_single(question, recording.inputs, recording.output, recording.run_as)
    begins = check_finite(question.net, recording)
    if question.verify:
        confirm(question.net, recording, question.head)
    recording, below = (recording, None) if callable(question.target) else scores_below(recording)
    with torch.autocast(question.inputs[0].device.type, enabled=False):
        yield Run(recording, begins, below)
