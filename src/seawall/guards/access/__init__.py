"""Who may call what (rows S9, R8): a good key, unexpired, allowed on the route."""
