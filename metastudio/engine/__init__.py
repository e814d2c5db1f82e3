"""How it computes: tasks, backbones, algorithms, training, evaluation, export. Torch, and never Qt."""
