"""Stores in plain files of the state directory."""
