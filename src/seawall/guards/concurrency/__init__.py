"""Send no target more at once than it can carry, and shed the least important first (rows R3, R8)."""
