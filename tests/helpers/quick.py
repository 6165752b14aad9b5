"""What `pytest -m quick` runs, for each room: what takes seconds together and touches most of what the room does."""

# By folder of `tests`, "" for what lies beside them: a file's name, or a test of it.
QUICK: dict[str, tuple[str, ...]] = {
    "": ("test_api",),
    "arguments": ("test_batches", "test_targets"),
    "display": ("test_bookmarks", "test_comparison", "test_export", "test_viewer", "test_walk_flows"),
    "engine": ("test_bounds", "test_capture", "test_matmul", "test_modes", "test_registry", "test_walk"),
    "findings": ("test_explanation",),
    "methods": ("test_table",),
    "project": (
        "test_frontend::test_front_end[types]",
        "test_frontend::test_front_end[lint]",
        "test_frontend::test_front_end[tests]",
        "test_quality::test_code[lint]",
        "test_quality::test_code[rooms]",
        "test_quick",
        "test_structure",
        "test_version",
    ),
    "samples": ("test_samples",),
    "trace": ("test_substeps", "test_trace", "test_trace_pops"),
    "words": ("test_percents",),
}


def is_quick(room: str, file: str, test: str) -> bool:
    return bool({file, f"{file}::{test}"} & set(QUICK.get(room, ())))


def holds_quick(room: str, file: str) -> bool:
    """Whether any test of a file is: others need not even be imported."""
    return any(entry.partition("::")[0] == file for entry in QUICK.get(room, ()))
