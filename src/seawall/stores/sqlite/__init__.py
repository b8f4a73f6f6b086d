"""Stores on one machine, shared by its workers."""
