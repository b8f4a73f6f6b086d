"""The simulated provider: both dialects over real HTTP, with faults on demand."""
