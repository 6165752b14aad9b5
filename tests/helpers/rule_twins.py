"""The rules by the names that tests give them, and the slow twin of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from helpers import slow_twins as twins
from torch import Tensor

from heapwidget.engine.rules import absolute, alpha_beta, epsilon, flat, gamma, w_square, z_box, zplus

RULES = {
    "zplus": zplus(),
    "zplus with biases": zplus(bias=True),
    "epsilon 0": epsilon(0),
    "epsilon 1e-6": epsilon(1e-6),
    "epsilon 0.3": epsilon(0.3),
    "gamma 0.25": gamma(),
    "alpha_beta 2 1": alpha_beta(),
    "alpha_beta 2 1 with biases": alpha_beta(bias=True),
    "alpha_beta 1 0": alpha_beta(1, 0),
    "absolute": absolute(),
    "flat": flat(),
    "w_square": w_square(),
    "z_box -1 2": z_box(-1, 2),
}


def twin_of(rule: str, x: Tensor, linear: Callable[[Tensor, Tensor], Tensor], w: Tensor, b: np.ndarray) -> twins.Shares:
    """The twin of a rule on `linear(x, w) + b`."""
    if rule == "flat":
        return twins.flat(twins.dense(lambda u: linear(u, torch.ones_like(w)), tuple(x.shape)) != 0)
    return twin_of_matrix(rule, x, twins.dense(lambda u: linear(u, w), tuple(x.shape)), b)


def twin_of_matrix(rule: str, x: Tensor, matrix: np.ndarray, b: np.ndarray) -> twins.Shares:
    name, *numbers = rule.split()
    flat_x = x.numpy().ravel()
    if name == "zplus":
        return twins.zplus(flat_x, matrix, b, bias="biases" in rule)
    settings = [float(n) for n in numbers if n not in ("with", "biases")]
    if name == "z_box":
        low, high = settings
        return twins.proportional(flat_x * matrix - low * np.maximum(matrix, 0) - high * np.minimum(matrix, 0))
    return {
        "epsilon": lambda: twins.epsilon(flat_x, matrix, b, *settings),
        "gamma": lambda: twins.gamma(flat_x, matrix, b, *settings),
        "alpha_beta": lambda: twins.alpha_beta(flat_x, matrix, b if "biases" in rule else np.zeros_like(b), *settings),
        "absolute": lambda: twins.proportional(np.abs(flat_x * matrix)),
        "w_square": lambda: twins.proportional(matrix**2),
    }[name]()


def twin_of_product(rule: str, x: Tensor, matrix: np.ndarray) -> twins.Shares:
    """The twin of a rule on a product of stacks of matrices, which has no biases."""
    if rule.startswith("zplus"):
        return twins.zplus_of_products(x.numpy().ravel(), matrix)
    return twin_of_matrix(rule, x, matrix, np.zeros(len(matrix)))
