"""Leave a target alone that fails or crawls, and find out when it is well again (row R3)."""
