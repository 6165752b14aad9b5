"""Other tools for the same work, measured beside ours: the extra "bench", loaded where it is used."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor, nn

_RESNET = "torchvision.models.resnet"


@contextmanager
def _stand_in_for_torchvision() -> Iterator[None]:
    """Two empty classes where torchvision cannot be imported: it has no build that goes with PyTorch's for the CPU."""
    before = dict(sys.modules)
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError):
        parts = _RESNET.split(".")
        names = [".".join(parts[: i + 1]) for i in range(len(parts))]
        resnet = ModuleType(_RESNET)
        for block in ("BasicBlock", "Bottleneck"):
            setattr(resnet, block, type(block, (nn.Module,), {}))
        sys.modules.update({name: ModuleType(name) for name in names} | {_RESNET: resnet})
        yield
        for name in [name for name in sys.modules if name.startswith("torchvision") and name not in before]:
            del sys.modules[name]
    else:
        yield


def torchlens_trace(net: nn.Module, x: Tensor) -> object:
    """TorchLens's recording of a forward run."""
    torchlens = import_module("torchlens")
    with torch.no_grad():
        return torchlens.trace(net, x)


@contextmanager
def zennit(
    net: nn.Module, target: int, composite: str = "EpsilonPlus", **options: object
) -> Iterator[Callable[[Tensor], Tensor]]:
    """One of Zennit's composites on a net, its hooks in place: a function from an input to one class's relevance.

    A batch norm behind a convolution is merged into it.
    """
    with _stand_in_for_torchvision():
        attribution, composites = import_module("zennit.attribution"), import_module("zennit.composites")
        merged = import_module("zennit.canonizers").SequentialMergeBatchNorm()
    made = getattr(composites, composite)(canonizers=[merged], **options)
    with attribution.Gradient(model=net, composite=made) as attributor:

        def attribute(x: Tensor) -> Tensor:
            relevance: Tensor = attributor(x, lambda output: output * torch.eye(output.shape[1]).to(output)[target])[1]
            return relevance

        yield attribute
