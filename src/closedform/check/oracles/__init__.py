"""Independent routes to the value of a definition and of its derivatives."""
