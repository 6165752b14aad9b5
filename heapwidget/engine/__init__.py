"""Best-first relevance propagation: capture, graph, rules, flows and the walk. Knows nothing of widgets."""
