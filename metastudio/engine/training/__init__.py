"""The outer loop: trainer, executors, checkpoints, schedules, and the worker that runs them in a run folder."""
