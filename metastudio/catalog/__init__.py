"""What can be chosen, declared once: forms, flags, files and help come from here. No torch, no Qt."""
