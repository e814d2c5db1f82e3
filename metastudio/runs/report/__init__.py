"""The report of a run: one page in one file, for whoever was not there."""
