"""What travels on the wire, one module a dialect."""
