"""Work beside the window: threads that start processes and tell what they say. QtCore only; never torch."""
