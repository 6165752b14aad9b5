"""How many examples hypothesis draws: a few for each change, ten times as many at night, a tenth in a quick run."""

import os

from hypothesis import settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE")
NIGHTLY = PROFILE == "nightly"


def examples(count: int) -> settings:
    """Settings for a test that draws `count` examples, ten times as many at night, and a tenth where time is short."""
    return settings(max_examples=10 * count if NIGHTLY else max(count // 10, 2) if PROFILE == "quick" else count)
