"""Rows C3, C6: what a call may cost is held before it is sent, or it is not sent."""
