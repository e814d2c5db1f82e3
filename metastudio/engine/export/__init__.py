"""Handing over: files that answer like the model they were made from, and proof that they do."""
