"""The words of Seawall as frozen records: no I/O, no clock, no randomness."""
