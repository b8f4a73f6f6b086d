"""The journal: one record of every exchange, written off the hot path and read by the command line."""

from typing import Final

JOURNAL_DIR: Final = "journal"  # in the state directory
