"""What the pipeline needs of the world: one small Protocol a file."""
