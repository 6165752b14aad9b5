"""Watch over memory that is not the run's own: what a net writes there lands elsewhere, or is undone."""

from __future__ import annotations

import weakref
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

from heapwidget.engine.capture.isolation import LentNet
from heapwidget.engine.capture.memory import is_dense, storage_id, tensors_in
from heapwidget.engine.interrupts import keeper_here
from heapwidget.errors import UnsupportedOpError

# They write running statistics where their sixth argument says so, which their schemas do not tell.
_WRITING_STATISTICS = {"native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"}
_STATISTICS = ("running_mean", "running_var")
_TRAINING = 5


class Guard(TorchDispatchMode):
    """Sees every op of a lent net's run in this thread.

    Before an op writes into the net's memory, the copy is given memory of its own. Tensors that belong to nobody here,
    such as a global one, get back what they held when the run is over.
    """

    def __init__(self, lent: LentNet) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._lent, self._keeper = lent, keeper_here()
        # Whether random numbers of PyTorch's were drawn.
        self.drew = False
        # Storages made in this run; a number that is used again is one, too.
        self._made = set[int]()
        self._views: dict[int, list[weakref.ref[Tensor]]] = {}
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else the first run would import torch's compiler, which takes over a second.
        return False

    def __enter__(self) -> Guard:
        # PyTorch's own also sets flags of the whole process, which other threads would see.
        _push_mode(self)
        return self

    def __exit__(self, *_: object) -> None:
        # Above it may lie a mode of the net's own, in whose end it was interrupted.
        while _pop_mode() is not self:
            pass

    def put_back(self) -> None:
        """Undo what was written into memory that is neither the run's nor the net's."""
        for number, (storage, content) in self._before.items():
            self.before_undoing(number)
            storage.copy_(content)
        self._before.clear()

    def before_undoing(self, number: int) -> None:
        """A storage is about to get back what it held."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keeper = self._keeper
        if keeper is None:
            return self._dispatched(func, args, kwargs or {})
        # Ctrl-C takes effect between two ops.
        before, keeper.open = keeper.open, False
        try:
            return self._dispatched(func, args, kwargs or {})
        finally:
            keeper.open = before
            if before:
                keeper.deliver()

    def _dispatched(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(func, HigherOrderOperator):
            return self._inside(func, args, kwargs)
        with torch._C.DisableTorchFunction():
            return self.run(func, args, kwargs)

    def _inside(self, func: HigherOrderOperator, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run what an op on functions, such as `torch.cond`, does without a compiler: ops that are seen."""
        if func.name() == "cond":
            condition, then, otherwise, operands = args
            with self:
                return (then if condition else otherwise)(*operands)
        plain = func.py_kernels.get(torch._C.DispatchKey.CompositeExplicitAutograd)
        if plain is None:
            raise UnsupportedOpError(
                f"torch.ops.higher_order.{func.name()} hides the ops that it runs; write that part without it"
            )
        with self:
            return plain(*args, **kwargs)

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an op."""
        for t in self.writes(func, args, kwargs):
            self.protect(t)
        return self.seen(func(*args, **kwargs))

    def seen(self, out: Any) -> Any:
        """Note what an op gave."""
        made = self._made
        for t in tensors_in(out):
            if is_dense(t):
                number = storage_id(t)
                if number in made:
                    continue
                if self._lent.is_lent(number):
                    self._views.setdefault(number, []).append(weakref.ref(t))
                elif number not in self._before:
                    made.add(number)
        return out

    def own(self, t: Tensor) -> None:
        """A tensor was made for this run."""
        self._made.add(storage_id(t))

    def protect(self, t: Tensor) -> None:
        """A tensor is about to be written into."""
        number = storage_id(t)
        if self._lent.is_lent(number):
            views = (ref() for ref in self._views.pop(number, []))
            self._lent.take(number, t, *(v for v in views if v is not None and v is not t))
            self._made.add(storage_id(t))
        elif number not in self._made and number not in self._before:
            storage = t.untyped_storage()
            self._before[number] = storage, storage.clone()

    def writes(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
        """The tensors that an op writes into."""
        places, silent, draws = _traits(func)
        self.drew |= draws
        if not places or (silent and not args[_TRAINING]):
            return []
        given = [args[i] if i < len(args) else kwargs.get(name) for i, name in places]
        return [t for t in tensors_in(given) if is_dense(t)]


@cache
def _traits(func: Any) -> tuple[tuple[tuple[int, str], ...], bool, bool]:
    """Which arguments an op writes into, place and name; whether it does that silently; whether it draws at random."""
    arguments = func._schema.arguments
    silent = _STATISTICS if func.overloadpacket.__name__ in _WRITING_STATISTICS else ()
    places = tuple(
        (i, a.name)
        for i, a in enumerate(arguments)
        if (a.alias_info is not None and a.alias_info.is_write) or a.name in silent
    )
    return places, bool(silent), torch.Tag.nondeterministic_seeded in func.tags
