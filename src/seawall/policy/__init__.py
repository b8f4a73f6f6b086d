"""The operator's document: read, checked, compiled."""
