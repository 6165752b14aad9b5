"""From recorded calls to a graph of layers."""
