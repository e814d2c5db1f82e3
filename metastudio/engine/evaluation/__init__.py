"""Measuring: accuracy over episodes, with its interval."""
