"""The methods: from a net and its inputs to a trace and the inputs' contributions."""
