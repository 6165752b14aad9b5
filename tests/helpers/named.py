"""Names of cases that are the same in every process: tests that run side by side are shared out by name."""

import re


def named(value: object) -> str:
    """A value as it is written, without the addresses in it."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
