"""When spending is worth telling a person: pure decisions."""
