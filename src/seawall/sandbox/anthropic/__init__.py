"""The Messages dialect as its provider speaks it."""
