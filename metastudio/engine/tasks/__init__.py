"""Few-shot tasks: what an episode is and where episodes come from."""
