"""Best-first relevance propagation: capture, graph, rules, flows and the walk. Knows nothing of widgets.

Each knows only those before it: `interrupts`, `capture`, `flow`, `rules`, `graph`, `ops`, then `walk`, `finite` and
`patterns`, on which `composites` stand.
"""
