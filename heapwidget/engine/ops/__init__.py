"""The ATen ops that the engine knows, one file a family."""
