"""The pipeline inside an application's own process."""
