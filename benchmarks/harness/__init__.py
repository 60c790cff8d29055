"""What the benchmark programs share: events, load, processes and their cost, and the report."""
