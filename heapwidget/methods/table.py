"""All methods by their names; another is one more entry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import signature
from typing import Any

from heapwidget.errors import brief, check_choice
from heapwidget.methods.article import Article
from heapwidget.methods.base import Method
from heapwidget.methods.gradient import Gradient
from heapwidget.methods.relevance import Relevance

METHODS: dict[str, type[Method]] = {method.name: method for method in (Relevance, Gradient, Article)}

# How finely a walk goes: methods that do not ask for it pass it by, so that one call serves to compare several.
PASSED_BY = frozenset({"baseline", "rule", "nodes", "floor", "max_pops"})


@cache
def options_of(method: type[Method]) -> Mapping[str, Any]:
    """The options of a method, with their defaults."""
    return {name: option.default for name, option in signature(method).parameters.items()}


def method_of(name: str, options: Mapping[str, Any]) -> Method:
    """The method of a name, with those of the options that are its own.

    Raises
    ------
    TypeError, ValueError
        For options that cannot be meant, and those that only other methods know.
    """
    check_choice("method", name, tuple(METHODS))
    own, known = {}, options_of(METHODS[name])
    for option, value in options.items():
        owner = next((method for method in METHODS.values() if option in options_of(method)), None)
        if owner is None:
            raise TypeError(
                f"{option}={brief(value)} is no option of any method; method={name!r} knows {', '.join(known)}"
            )
        default = options_of(owner)[option]
        if type(value) is type(default) and value == default:
            continue
        if option in known:
            own[option] = value
            continue
        # What its owner refuses is no option at all.
        owner(**{option: value})
        if option not in PASSED_BY:
            raise ValueError(
                f"{option}={brief(value)} is for method={owner.name!r}; leave it out, or take that instead of {name!r}"
            )
    return METHODS[name](**own)
