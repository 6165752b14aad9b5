"""What the engine's tests share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Nets and inputs drawn without a seed of their own are the same each time."""
    torch.manual_seed(0)
