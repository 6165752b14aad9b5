"""What `pytest -m quick` runs, for each room: files that take seconds together and touch most of what it does."""

# By folder of `tests`, "" for what lies beside them; a file's name stands for all of its tests.
QUICK: dict[str, tuple[str, ...]] = {
    "": ("test_api", "test_article", "test_lab", "test_progress", "test_replacing"),
    "arguments": ("test_batches", "test_kinds", "test_targets"),
    "display": ("test_bookmarks", "test_comparison", "test_export", "test_viewer", "test_viewer_messages"),
    "engine": ("test_bounds", "test_capture", "test_matmul", "test_modes", "test_moves", "test_registry", "test_rules"),
    "findings": ("test_explanation", "test_faithfulness"),
    "methods": ("test_direction", "test_finish"),
    "project": ("test_quality", "test_structure", "test_version"),
    "samples": ("test_samples",),
    "trace": ("test_golden", "test_substeps", "test_trace", "test_trace_pops"),
    "words": ("test_percents",),
}
