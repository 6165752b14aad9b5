"""What is asked of a net, whatever the method: all arguments that each method reads, checked, and its runs on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from heapwidget.arguments.names import Names
from heapwidget.arguments.targets import Choice, Target, choose, decision, head_of
from heapwidget.engine.capture import Recording, RunAs, apart, record
from heapwidget.errors import NetError, UnsupportedOpError

# With more inputs than this, a batch axis is missing from all or from none.
MOST_MIXED = 4
# So many rows, from the first to the last, tell whether they are examples.
ROWS_TRIED = 4

PLAINLY = RunAs()


@dataclass(frozen=True)
class Question:
    """A net, its inputs and what is to be explained of its output.

    Attributes
    ----------
    named
        What the positions of each input are called, if they are.
    verify
        Whether a recorded run is held against a plain one.
    progress
        Whether long work shows a bar.
    """

    net: nn.Module
    inputs: tuple[Tensor, ...]
    target: Target
    class_names: list[str] | None
    named: tuple[Names | None, ...]
    verify: bool
    progress: bool

    @property
    def head(self) -> Callable[[Any], Tensor]:
        """The part of the target that runs with the net."""
        return head_of(self.target)

    @property
    def channel_axes(self) -> tuple[int | None, ...]:
        """For each input the axis that counts channels, as far as names tell."""
        return tuple(None if given is None else given.channel_axis for given in self.named)

    def choice(self, output: Tensor, each_alone: bool = False) -> Choice:
        """The target on the scores that the net gave."""
        return choose(self.target, output, self.class_names, each_alone)

    def decision(self, output: Tensor, each_alone: bool = False) -> Choice:
        """The target on the scores that the net gave; where none is named, what the net decided."""
        if self.target is not None:
            return self.choice(output, each_alone)
        return decision(output, self.class_names, each_alone)

    def record(self, inputs: tuple[Tensor, ...]) -> Recording:
        """A recorded run of the net on some inputs."""
        return record(self.net, *inputs, head=self.head, channel_axes=self.channel_axes)

    def output(self, inputs: tuple[Tensor, ...], run_as: RunAs = PLAINLY) -> Any:
        """What a plain run gives on some inputs."""
        with apart(self.net) as run:
            return run.plain(inputs, self.head, run_as)


# --- The batch axis: added where a net wants one, with no more than one example along it ------------------------------


def ways(inputs: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    """The inputs as a net may want them: as they are, then with a batch axis for all or for some, the most at first."""
    yield inputs
    some = product((True, False), repeat=len(inputs)) if len(inputs) <= MOST_MIXED else [(True,) * len(inputs)]
    yield from (_with_axes(inputs, which) for which in sorted(filter(any, some), key=sum, reverse=True))


@contextmanager
def noting(refusals: list[BaseException | None]) -> Iterator[None]:
    """Note why a net does not run, and go on: the cause alone, since an error holds on to all frames on its way."""
    try:
        yield
    except NetError as error:
        refusals.append(error.__cause__)


def refuse(inputs: tuple[Tensor, ...], refusal: BaseException | None) -> NoReturn:
    """Tell that a net takes its inputs in none of these ways, and why not as they are."""
    reason = (str(refusal).strip() or type(refusal).__name__).splitlines()[0].rstrip(".")
    shapes = " and ".join(str(tuple(x.shape)) for x in inputs)
    if isinstance(refusal, TypeError) and "positional argument" in reason:
        advice = "pass all that the net's forward takes, as a tuple"
    elif len(inputs) == 1:
        advice = "pass one input as the net takes it, with its batch axis"
    else:
        advice = "pass one example as the net takes it, each input with its batch axis"
    raise ValueError(
        f"the net does not run on x of shape{'s' * (len(inputs) > 1)} {shapes}: {reason}; {advice}"
    ) from refusal


def recorded(question: Question) -> Recording:
    """The recorded run on inputs with batch axes: added where the net refuses them without, or would add them itself.

    Raises
    ------
    ValueError
        If the net runs on the inputs in no way.
    """
    refusals: list[BaseException | None] = []
    for taken in ways(question.inputs):
        with noting(refusals):
            return _with_own_axes(question, question.record(taken))
    return refuse(question.inputs, refusals[0])


def _with_own_axes(question: Question, recording: Recording) -> Recording:
    """The same, recorded with the axes that the net adds itself.

    A convolution takes an image without a batch axis and adds it on the way; then the axes of x say more with it.
    """
    made = [call.out.shape for call in recording.calls if call.name == "unsqueeze"]
    which = [(1, *x.shape) in made for x in recording.inputs]
    if not any(which):
        return recording
    try:
        again = question.record(_with_axes(recording.inputs, which))
    except NetError:
        return recording
    before, after = (r.output.detach().reshape(-1) for r in (recording, again))
    same = before.shape == after.shape and torch.allclose(before, after, rtol=1e-3, atol=1e-5, equal_nan=True)
    return again if same else recording


def recorded_inputs(question: Question) -> tuple[Tensor, ...]:
    """The inputs of `recorded`, for methods that ask less of a net than that does; of four axes all are meant."""
    if all(x.ndim > 3 for x in question.inputs):
        return question.inputs
    try:
        return recorded(question).inputs
    except (NetError, UnsupportedOpError, TypeError, ValueError):
        return question.inputs


def check_single(question: Question, inputs: tuple[Tensor, ...], output: Tensor, run_as: RunAs = PLAINLY) -> None:
    """One example, not a batch of several: of a batch, each row alone gives its row of the output."""
    count = len(output) if output.ndim else 0
    if count <= 1 or all(x.ndim <= 1 or len(x) != count for x in inputs):
        return
    if _stands_alone(question, inputs, output, run_as):
        if len(inputs) == 1:
            raise ValueError(f"x is a batch of {count} inputs; explain one at a time, with x[i:i+1]")
        raise ValueError(f"x holds batches of {count} examples; explain one at a time, with tuple(a[i:i+1] for a in x)")


def _stands_alone(question: Question, inputs: Sequence[Tensor], output: Tensor, run_as: RunAs) -> bool:
    """Whether some rows give alone what they gave together; words of a text and nodes of a graph do not."""
    count = len(output)
    for i in {i * (count - 1) // (ROWS_TRIED - 1) for i in range(ROWS_TRIED)}:
        rows = tuple(a[i : i + 1] if a.ndim > 1 and len(a) == count else a for a in inputs)
        try:
            alone = question.output(rows, run_as)
        except Exception:
            return False
        here, there = (t.detach().reshape(-1).float() for t in (alone, output[i]))
        if here.shape != there.shape or not torch.allclose(here, there, rtol=1e-2, atol=1e-4):
            return False
    return True


def _with_axes(inputs: tuple[Tensor, ...], which: Iterable[bool]) -> tuple[Tensor, ...]:
    """The inputs, some with a batch axis added."""
    return tuple(x[None] if add else x for x, add in zip(inputs, which, strict=True))
