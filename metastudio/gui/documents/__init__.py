"""The open project, and the work beside the window that it starts."""
