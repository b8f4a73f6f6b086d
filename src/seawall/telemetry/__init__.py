"""The journal, its readers, and application logs."""
