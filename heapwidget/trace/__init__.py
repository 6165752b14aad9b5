"""The trace: the log of a walk, its header and its file. Knows neither torch nor the engine."""
