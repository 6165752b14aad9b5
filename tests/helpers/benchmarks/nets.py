"""The tables of docs/nets.md: architectures explained as they come, and what that took.

`python -m helpers.benchmarks.nets` in the folder `tests` measures and writes the table of the small ones; with
`--packages` that of timm's too, where it is installed.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch
from helpers.architectures import FAMILIES, architecture
from torch import Tensor, nn

import heapwidget as hw

PAGE = Path(__file__).resolve().parents[3] / "docs" / "nets.md"

# Of timm's, by the side of a square picture.
PACKAGED = {
    224: (
        *("resnet18", "resnext50_32x4d", "densenet121", "mobilenetv3_small_100", "mobilenetv4_conv_small"),
        *("efficientnet_b0", "regnety_004", "convnext_atto", "convnextv2_atto", "vit_tiny_patch16_224"),
        *("deit_tiny_distilled_patch16_224", "beit_base_patch16_224", "swin_tiny_patch4_window7_224"),
        *("cait_xxs24_224", "coatnet_nano_rw_224", "maxvit_tiny_rw_224", "eva02_tiny_patch14_224"),
        *("mixer_s32_224", "gmlp_ti16_224", "poolformer_s12"),
    ),
    256: ("swinv2_tiny_window8_256", "mobilevit_xxs"),
    128: ("inception_v3", "xception41", "tf_efficientnetv2_b0", "hrnet_w18_small"),
    96: ("vgg11_bn", "dm_nfnet_f0"),
}


@dataclass(frozen=True)
class Row:
    """What was measured of a net, in the order of the table's columns.

    `arrived` is the part of the change that was on the input when the walk ended, before the rest was passed on;
    `explained` that in the end; `remainder` the largest part of the sum of sizes that anything took; `first` the pop
    that brought something to the input; `times` the processor's time over that of a forward and a backward run.
    """

    layers: int
    explained: float
    remainder: tuple[float, str]
    pops: int
    first: int | None
    arrived: float
    times: float

    def cells(self) -> list[str]:
        lost, cause = self.remainder
        first = "–" if self.first is None else f"{self.first:,}"
        told = f"{lost:.2%}, {cause}" if lost > 5e-5 else "0"
        shares = [f"{share:.1%}".replace("-", "−") for share in (self.explained, self.arrived)]
        return [str(self.layers), shares[0], told, f"{self.pops:,}", first, shares[1], f"{self.times:.0f}"]


HEAD = ("net", "layers", "explained", "remainder", "pops", "first at pop", "arrived", "× forward + backward")
# What is told of a net without a walk.
UNWALKED = [0, 1, 2, 3, 7]


def measured(net: nn.Module, x: Tensor, repeats: int = 3, **options: int) -> Row:
    """A net explained with the defaults, from a baseline of zeros; times are of the quickest of some runs."""
    e = hw.attribute(net, x, baseline=0, progress=False, **options)
    took = _seconds(lambda: hw.attribute(net, x, baseline=0, progress=False, **options), repeats)
    pops, ledger = e.trace.header["phases"]["walk"], e.ledger
    on_input = e.trace.columns["explained"][:pops]
    reached = on_input.nonzero()[0]
    size = float(e.attribution.abs().sum())
    lost = {f"{layer}, {cause}": abs(value) / size for (layer, cause), value in ledger.absorbed.items()}
    worst = max(lost, key=lost.__getitem__, default="")
    return Row(
        len(e.trace.header["layers"]),
        ledger.explained / ledger.change,
        (lost.get(worst, 0.0), worst),
        pops,
        int(reached[0]) + 1 if len(reached) else None,
        float(on_input[-1]) / ledger.change if pops else 0.0,
        took / _seconds(lambda: _forward_and_backward(net, x), max(1, repeats)),
    )


def _forward_and_backward(net: nn.Module, x: Tensor) -> None:
    net(x.clone().requires_grad_())[0].amax().backward()


def _seconds(run: Callable[[], object], repeats: int) -> float:
    """Of the processor, for the quickest of some runs; 0 for none."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found, default=0.0)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of a table, the first its head."""
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|---" + "|---:" * (head.count("|") - 2) + "|"
    return "\n".join([head, rule, *rest])


def small() -> str:
    """The table of the architectures in the tests."""
    rows: list[Sequence[str]] = [HEAD]
    for family, nets in FAMILIES.items():
        rows.append([f"**{family}**", *[""] * (len(HEAD) - 1)])
        for name in nets:
            rows.append([name, *measured(*architecture(name)).cells()])
            print(*rows[-1], flush=True)
    return table(rows)


def packaged() -> str:
    """The table of timm's, with random weights, without a walk."""
    rows = [[HEAD[n] for n in UNWALKED]]
    for side, names in PACKAGED.items():
        for name in names:
            row = [f"`{name}`, {side}", *measured(*_from_timm(name, side), repeats=1, max_pops=0).cells()]
            rows.append([row[n] for n in UNWALKED])
            print(*rows[-1], flush=True)
    return table(rows)


def _from_timm(name: str, side: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    net = import_module("timm").create_model(name, pretrained=False).eval()
    with torch.no_grad():
        for part in net.modules():
            # Heads begin as zeros in some, norms as what does nothing in all.
            if isinstance(part, nn.Linear) and not part.weight.any():
                part.weight.normal_(std=0.1)
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.running_mean.normal_(std=0.1)
                part.running_var.uniform_(0.5, 2)
    return net, torch.randn(1, 3, side, side)


def write(page: Path, tables: dict[str, str]) -> None:
    """Put tables between their marks on a page."""
    text = page.read_text(encoding="utf-8")
    for name, made in tables.items():
        mark = re.compile(rf"(<!-- {name} -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)
        text, found = mark.subn(lambda match, made=made: match[1] + made + match[2], text)
        assert found == 1, name
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(PAGE, {"small": small()} | ({"packaged": packaged()} if "--packages" in sys.argv[1:] else {}))
