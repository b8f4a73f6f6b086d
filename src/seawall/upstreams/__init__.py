"""The ways out to providers."""
