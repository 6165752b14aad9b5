"""Insertion and deletion of patches on a real vision transformer, for two targets made of its class token."""

import copy
import time
from collections.abc import Callable

import numpy as np
import store
import torch
import torch.nn.functional as F
from captum.attr import InputXGradient, IntegratedGradients
from numpy.typing import NDArray
from sets import attention_peers, coloured, dino, efficientnet, pictures
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.arguments.baseline import stand_in
from heapwidget.boxes import positions

STEPS, BATCH = 12, 4
IG_STEPS = 16
RANDOM, RANDOM_ORDERS = "random", 2
TARGETS = ("mirrored", "rather")
NAMES = ("astronaut", "cat", "china", "clock", "coffee", "flower", "hopper", "rocket")

Find = Callable[[dino.ViT, Tensor], Tensor]


def photographs() -> dict[str, Tensor]:
    """Eight photographs as the network takes them."""
    read = pictures()
    images = {name: torch.from_numpy(efficientnet.picture(coloured(read[name]()))) for name in NAMES}
    return {name: dino.preprocess(image.permute(2, 0, 1)[None].float() / 255) for name, image in images.items()}


def heads(vit: dino.ViT, xs: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """For each photograph two directions for the class token.

    `mirrored`: that of the mirrored photograph, so that the score is how similar the two are. `rather`: the same less
    the mean of the other photographs, so that it is how much more similar they are than any two.
    """
    with torch.inference_mode():
        tokens = {name: vit(x.flip(-1))[0].clone() for name, x in xs.items()}
    found: dict[str, dict[str, Tensor]] = {}
    for name, token in tokens.items():
        others = torch.stack([other for key, other in tokens.items() if key != name]).mean(0)
        found[name] = {"mirrored": token / token.norm() ** 2, "rather": (token - others) / (token - others).norm() ** 2}
    return found


def scored(vit: dino.ViT, direction: Tensor) -> dino.ViT:
    """The network with one score: its class token along a direction."""
    found = copy.copy(vit)
    found._modules = dict(vit._modules)
    head = nn.Linear(len(direction), 1, bias=False).requires_grad_(False)
    head.weight.copy_(direction[None])
    found.head = head
    return found


def walked(rule: str, baseline: object) -> Find:
    """A rule's relevance, of the change from a baseline unless that is None."""
    options = {"rule": rule, "baseline": baseline, "max_pops": 0, "progress": False}
    return lambda vit, x: hw.attribute(vit, x, target=0, **options).attribution


def integrated_gradients(vit: dino.ViT, x: Tensor) -> Tensor:
    """Captum's, from a baseline of zeros, the mean colour."""
    return IntegratedGradients(lambda x: vit(x)[:, 0]).attribute(x, n_steps=IG_STEPS, internal_batch_size=2).detach()


def input_x_gradient(vit: dino.ViT, x: Tensor) -> Tensor:
    """Captum's."""
    return InputXGradient(lambda x: vit(x)[:, 0]).attribute(x.clone().requires_grad_()).detach()


WAYS: dict[str, Find] = {
    "signed_head 0": walked("signed_head", 0),
    "signed_head blur": walked("signed_head", "blur"),
    "zplus": walked("zplus", None),
    "attn_lrp": lambda vit, x: attention_peers.attn_lrp(vit)(x),
    "cp_lrp": lambda vit, x: attention_peers.cp_lrp(vit)(x),
    "integrated_gradients": integrated_gradients,
    "epsilon 0": walked("epsilon", 0),
    "zplus 0": walked("zplus", 0),
    "gamma 0": walked("gamma", 0),
    "input_x_gradient": input_x_gradient,
}


def by_patch(attribution: Tensor) -> Tensor:
    """The sum over each patch, row by row."""
    return F.avg_pool2d(attribution.sum(1, keepdim=True), dino.PATCH, divisor_override=1).flatten()


def blurred(x: Tensor) -> Tensor:
    """What stands where a patch was taken away."""
    return stand_in("blur", x[0], positions(tuple(x.shape[1:]), 0))[None]


def areas(vit: nn.Module, x: Tensor, empty: Tensor, order: NDArray[np.int64]) -> tuple[float, float]:
    """Deletion and insertion area of an order of patches: 1 is the score of the photograph, 0 that of the empty one."""
    rank = torch.empty(len(order), dtype=torch.int64)
    rank[torch.from_numpy(order)] = torch.arange(len(order))
    side = x.shape[-1] // dino.PATCH
    place = rank.reshape(1, 1, side, side).repeat_interleave(dino.PATCH, 2).repeat_interleave(dino.PATCH, 3)
    counts = np.rint(np.linspace(0, len(order), STEPS + 1)).astype(int)[1:-1]
    # Every way is judged alike, so half the digits will do: this is most of the time.
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        ends = vit(torch.cat([x, empty]))[:, 0]
        found = []
        for before, after in ((x, empty), (empty, x)):
            batch = torch.cat([torch.where(place < int(n), after, before) for n in counts])
            found.append(torch.cat([vit(some)[:, 0] for some in batch.split(BATCH)]))
    whole, nothing = ends.tolist()
    deletion, insertion = (((values - nothing) / (whole - nothing)).tolist() for values in found)
    return float(np.trapezoid([1, *deletion, 0]) / STEPS), float(np.trapezoid([0, *insertion, 1]) / STEPS)


def orders_of(name: str, vit: dino.ViT, x: Tensor) -> list[NDArray[np.int64]]:
    """The order of patches that a way finds, or some random ones."""
    if name == RANDOM:
        rng = np.random.default_rng(0)
        return [rng.permutation((dino.SIDE // dino.PATCH) ** 2) for _ in range(RANDOM_ORDERS)]
    return [by_patch(WAYS[name](vit, x)).argsort(descending=True).numpy()]


def measure() -> None:
    """All ways on all photographs and both targets, as far as the files do not hold them."""
    vit, xs = dino.net(), photographs()
    directions = heads(vit, xs)
    for target in TARGETS:
        for way in (*WAYS, RANDOM):
            start, done = time.perf_counter(), store.done(f"vit-{target}", f"{way} deletion")
            for name, x in xs.items():
                if name in done:
                    continue
                net, empty = scored(vit, directions[name][target]), blurred(x)
                pairs = [areas(net, x, empty, order) for order in orders_of(way, net, x)]
                deletion, insertion = np.mean(pairs, axis=0)
                cells = {f"{way} deletion": f"{deletion:.4f}", f"{way} insertion": f"{insertion:.4f}"}
                store.put(f"vit-{target}", {name: cells})
            print(f"vit: {target} {way} in {time.perf_counter() - start:.1f} s", flush=True)
