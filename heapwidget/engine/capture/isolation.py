"""A net's structure over again, for a run to do with as it likes: the user's own net is never touched.

Modules, containers and plain objects are copied; tensors are lent: other tensor objects over the same memory. Whoever
runs the copy keeps watch over that memory (`foreign_memory`), and gives the copy memory of its own before it is
written into.
"""

from __future__ import annotations

import copy
import random
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from heapwidget.engine.capture.memory import is_dense, rebased, storage_id

_ATOMS = frozenset((bool, int, float, complex, str, bytes, type(None), type, torch.dtype, torch.device, torch.Size))
_COPIED_BY_THEMSELVES = frozenset((dict, list, set, deque, OrderedDict, defaultdict))
_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
# Who has one of these knows best how it is copied.
_OWN_COPIES = ("__reduce__", "__reduce_ex__", "__getstate__", "__copy__", "__deepcopy__")
_PLAIN_TENSORS = frozenset((Tensor, nn.Parameter, nn.Buffer))
# No hook of the user's own has this number.
OUR_HOOK = -1
# What every module holds of its own: mostly empty, and known by no other name.
_BOOKS = frozenset(name for name, value in vars(nn.Module()).items() if isinstance(value, dict | set))
_TO_EVAL = ("train", "eval")
_ATTENTION = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
# Beyond so many objects, what hangs on a net is no part of it, such as a trainer with its data.
MOST_OBJECTS = 50_000


def modules_of(net: nn.Module) -> list[tuple[str, nn.Module]]:
    """Each module once, with its path: what `named_modules` gives, whatever the net calls its attributes."""
    found: dict[int, tuple[str, nn.Module]] = {}

    def add(module: nn.Module, path: str) -> None:
        if id(module) not in found:
            found[id(module)] = path, module
            for name, child in list(module._modules.items()):
                if child is not None:
                    add(child, f"{path}.{name}" if path else name)

    add(net, "")
    return list(found.values())


def leaves_of(net: nn.Module) -> set[str]:
    """The paths of the modules that have no children."""
    return {path for path, module in modules_of(net) if not any(c is not None for c in module._modules.values())}


def tensors_of(net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The weights and then the buffers, each with its path."""
    for kind in ("_parameters", "_buffers"):
        for path, module in modules_of(net):
            for name, t in list(getattr(module, kind).items()):
                if t is not None:
                    yield f"{path}.{name}" if path else name, t


class LentNet:
    """A copy of a net's structure, in eval mode, whose tensors lie in the net's own memory.

    Attributes
    ----------
    net
        The copy.
    owned
        Storages that the copy has for itself instead; in the end, of all that a run wrote into.
    attends
        Whether one of its modules is an attention layer of PyTorch's own, which may run as one op.
    """

    def __init__(self, net: nn.Module, owned: frozenset[int] = frozenset()) -> None:
        self.owned = set(owned)
        self.attends = False
        self._lent: dict[int, list[Tensor]] = {}
        # By tensor of the copy, one over the net's own memory that nothing moves.
        self._values: dict[int, Tensor] = {}
        self._own_memory: dict[int, torch.UntypedStorage] = {}
        self._memo: dict[int, Any] = {}
        # What is copied must live as long as its number is known.
        self._alive: list[Any] = []
        # All modules first: what a deep net nests must not nest here as deep.
        modules = [module for _, module in modules_of(net)]
        self._alive += modules
        for module in [module for module in modules if self._begin(module)]:
            self._fill(module, vars(module) | {"_compiled_call_impl": None})
        self.net: nn.Module = self._copied(net)

    def to_eval(self) -> None:
        """Switch the copy to eval mode; code of the net's own that does that runs, watched like its forward."""
        training = [m for _, m in modules_of(self.net) if vars(m).get("training") is True]
        if training and any(getattr(type(m), n) is not getattr(nn.Module, n) for m in training for n in _TO_EVAL):
            self.net.eval()
        for module in training:
            vars(module)["training"] = False

    def is_lent(self, number: int) -> bool:
        """Whether a storage belongs to the net."""
        return number in self._lent

    def value(self, t: Tensor) -> Tensor | None:
        """What a tensor of the copy holds as long as it is the net's, whatever comes; `None` for others."""
        value = self._values.get(id(t))
        if value is None or t.data_ptr() != value.data_ptr():
            return None
        return value if t.shape == value.shape and t.stride() == value.stride() else None

    def take(self, number: int, *others: Tensor) -> None:
        """Move the copy's tensors, with others, out of one of the net's storages to memory of its own."""
        tensors = self._lent.pop(number)
        for t in tensors:
            del self._values[id(t)]
        self.owned.add(number)
        storage = tensors[0].untyped_storage().clone()
        for t in (*tensors, *others):
            if storage_id(t) == number:
                t.data = rebased(t, storage)

    def _copied(self, a: Any) -> Any:
        """A value over again, with all that hangs on it; what cannot be copied is shared."""
        kind = type(a)
        if kind in _ATOMS or isinstance(a, type | types.ModuleType):
            return a
        known = self._memo.get(id(a))
        if known is not None:
            return known
        self._alive.append(a)
        if kind in _COPIED_BY_THEMSELVES and not a:
            return self._noted(a, a.copy())
        if len(self._memo) > MOST_OBJECTS and not isinstance(a, Tensor | nn.Module):
            return a
        return _way_of(kind)(self, a)  # type: ignore[arg-type]

    def _noted(self, a: Any, copied: Any) -> Any:
        self._memo[id(a)] = copied
        return copied

    def _lend(self, t: Tensor) -> Any:
        """Another tensor object over the same memory."""
        kind = type(t)
        if kind not in _PLAIN_TENSORS or not is_dense(t):
            return t
        number, value, wanted = storage_id(t), t.detach(), t.requires_grad and t.is_leaf and not t.is_inference()
        lent = value
        if number in self.owned:
            if number not in self._own_memory:
                self._own_memory[number] = t.untyped_storage().clone()
            lent = rebased(value, self._own_memory[number])
        if kind is nn.Parameter:
            lent = torch.Tensor._make_subclass(kind, lent, wanted)
        else:
            lent = lent.detach().requires_grad_(wanted)
        if wanted and t.grad is not None:
            lent.grad = self._copied(t.grad)
        if t.__dict__:
            vars(lent).update((name, self._copied(a)) for name, a in vars(t).items())
        if number not in self.owned:
            self._lent.setdefault(number, []).append(lent)
            self._values[id(lent)] = value
        return self._noted(t, lent)

    def _module(self, module: nn.Module) -> Any:
        if self._begin(module):
            self._fill(module, vars(module) | {"_compiled_call_impl": None})
        return self._memo[id(module)]

    def _begin(self, module: nn.Module) -> bool:
        """Note a module's copy; gives whether it is an empty one, to be filled."""
        if isinstance(module, torch.jit.ScriptModule):
            self._noted(module, copy.deepcopy(module).eval())
            return False
        original = module._modules.get("_orig_mod")
        if original is not None and type(module).__name__ == "OptimizedModule":
            self._noted(module, self._copied(original))
            return False
        self.attends = self.attends or isinstance(module, _ATTENTION)
        self._noted(module, object.__new__(type(module)))
        return True

    def _fill(self, a: Any, attributes: dict[str, Any]) -> Any:
        """Fill the empty copy of an object with copies of attributes."""
        shell = self._memo[id(a)]
        copied, own = self._copied, vars(shell)
        own.update(attributes)
        for name, value in list(attributes.items()):
            if type(value) not in _ATOMS:
                own[name] = value.copy() if name in _BOOKS and not value else copied(value)
        for name in _slots_of(type(a)):  # type: ignore[arg-type]
            if hasattr(a, name):
                object.__setattr__(shell, name, copied(getattr(a, name)))
        if isinstance(shell, nn.Module):
            # Where a net explains a part of itself while it is recorded, its copy has hooks of ours.
            drop_our_hooks(shell)
        return shell

    def _function(self, f: Any) -> Any:
        """A function is shared, unless it is bound to what is copied, or compiled."""
        plain = getattr(f, "_torchdynamo_orig_callable", None)
        if plain is not None:
            return self._noted(f, self._copied(plain))
        if isinstance(f, types.MethodType):
            return self._noted(f, types.MethodType(self._copied(f.__func__), self._copied(f.__self__)))
        if isinstance(f, partial):
            keywords = {name: self._copied(value) for name, value in f.keywords.items()}
            return self._noted(f, partial(self._copied(f.func), *map(self._copied, f.args), **keywords))
        cells = f.__closure__ or ()
        if not any(id(_content(cell)) in self._memo and isinstance(_content(cell), nn.Module) for cell in cells):
            return f
        closed = tuple(
            types.CellType(self._memo[id(_content(c))]) if isinstance(self._memo.get(id(_content(c))), nn.Module) else c
            for c in cells
        )
        again = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, closed)
        again.__kwdefaults__ = f.__kwdefaults__
        vars(again).update(vars(f))
        return self._noted(f, again)

    def _container(self, a: Any) -> Any:
        if isinstance(a, tuple):
            if all(type(part) in _ATOMS for part in a):
                return a
            parts = [self._copied(part) for part in a]
            if all(new is old for new, old in zip(parts, a, strict=True)):
                return a
            return self._noted(a, type(a)(*parts) if hasattr(a, "_fields") else type(a)(parts))
        again = self._noted(a, a.copy() if type(a) in _COPIED_BY_THEMSELVES else copy.copy(a))
        if isinstance(a, dict):
            if any(isinstance(key, nn.Module) for key in a):
                again.clear()
            for key, value in list(a.items()):
                if type(value) not in _ATOMS or isinstance(key, nn.Module):
                    again[self._copied(key) if isinstance(key, nn.Module) else key] = self._copied(value)
        elif isinstance(a, set):
            parts = [self._copied(part) for part in a]
            again.clear()
            again.update(parts)
        else:
            for i, part in enumerate(a):
                again[i] = self._copied(part)
        return again

    def _reference(self, a: Any) -> Any:
        return self._noted(a, weakref.ref(self._copied(a()))) if isinstance(a(), Tensor | nn.Module) else a

    def _state(self, a: Any) -> Any:
        """Numbers, and what draws some."""
        return self._noted(a, a.clone_state() if isinstance(a, torch.Generator) else copy.deepcopy(a))

    def _handle(self, a: RemovableHandle) -> Any:
        """A handle that removes a hook from the copy."""
        again = self._noted(a, copy.copy(a))
        hooks = a.hooks_dict_ref()
        if hooks is not None:
            again.hooks_dict_ref = weakref.ref(self._copied(hooks))
        return again

    def _object(self, a: Any) -> Any:
        """An object of a plain class; others know best themselves what they are, and stay shared."""
        own = any(name in vars(c) for c in type(a).__mro__[:-1] for name in _OWN_COPIES)
        if own or not hasattr(a, "__dict__") or callable(getattr(a, "__next__", None)):
            return a
        try:
            self._noted(a, object.__new__(type(a)))
            return self._fill(a, vars(a))
        except TypeError:  # made by C code, such as a lock
            self._memo.pop(id(a), None)
            return a

    ways: ClassVar[list[tuple[Any, Callable[[Any, Any], Any]]]] = [
        (Tensor, _lend),
        (nn.Module, _module),
        ((types.FunctionType, types.MethodType, partial), _function),
        ((list, dict, set, deque, tuple), _container),
        (weakref.ref, _reference),
        (RemovableHandle, _handle),
        ((np.ndarray, torch.Generator, *_GENERATORS), _state),
        (object, _object),
    ]


@cache
def _way_of(kind: Any) -> Callable[[LentNet, Any], Any]:
    """How what is of a class is copied."""
    return next(way for kinds, way in LentNet.ways if issubclass(kind, kinds))


def drop_our_hooks(module: nn.Module) -> None:
    """Take the hooks of a recording off a module of a copy."""
    for kind in ("_forward_pre_hooks", "_forward_hooks", "_forward_hooks_always_called"):
        vars(module)[kind].pop(OUR_HOOK, None)


@contextmanager
def hooks_kept(net: nn.Module) -> Iterator[None]:
    """Give a net back the hooks that take themselves off when they run."""
    kinds = ("_forward_hooks", "_forward_pre_hooks")
    hooks = [vars(m)[kind] for _, m in modules_of(net) for kind in kinds if vars(m).get(kind)]
    before = [(held, dict(held)) for held in hooks]
    try:
        yield
    finally:
        for held, content in before:
            if content.keys() - held.keys():
                later = {key: hook for key, hook in held.items() if key not in content}
                held.clear()
                held.update(content | later)


@cache
def _slots_of(kind: Any) -> tuple[str, ...]:
    """The attributes that objects of a class hold outside of their dictionary."""
    given = (vars(c).get("__slots__", ()) for c in kind.__mro__)
    names = (name for slots in given for name in ([slots] if isinstance(slots, str) else slots))
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
