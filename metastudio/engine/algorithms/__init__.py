"""Methods, one file each: how a learner adapts to a task and what it learns from that."""
