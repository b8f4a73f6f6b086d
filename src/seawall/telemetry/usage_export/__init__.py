"""What providers let their customers download about usage and cost, and what of it proves a charge."""
