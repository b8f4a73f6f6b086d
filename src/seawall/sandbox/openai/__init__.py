"""The Chat Completions and Embeddings dialect as its provider speaks it."""
