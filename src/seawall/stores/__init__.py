"""Backends of the ports that keep state."""
