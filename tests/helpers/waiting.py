"""How tests wait: for a condition, and so long that only what never comes is missed.

Nothing else in the tests sleeps, reads a clock or has a limit of its own, and test_waiting.py holds that.
"""

import time
from collections.abc import Callable
from typing import Any

# Seconds; in milliseconds for the browser. A machine ten times slower than any that was seen needs a fraction of it.
PATIENCE = 300
PATIENCE_MS = 1000 * PATIENCE


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of the condition."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {PATIENCE} s")
        time.sleep(0.05)
    return value
