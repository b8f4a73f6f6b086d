"""Stores that are plain files in the state directory, which a person can read and mend with an editor."""
