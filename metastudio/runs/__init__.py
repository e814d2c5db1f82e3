"""Run folders and projects on disk: the whole conversation between studio and worker. No torch, no Qt."""
