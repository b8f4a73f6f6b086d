"""Where a compiled policy becomes a running pipeline."""
