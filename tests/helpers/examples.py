"""How many examples hypothesis draws: a few for each change, ten times as many in a nightly run."""

import os

from hypothesis import settings

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(count: int) -> settings:
    """Settings for a test that draws `count` examples, and ten times as many at night."""
    return settings(max_examples=10 * count if NIGHTLY else count)
