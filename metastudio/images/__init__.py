"""Folders of images as data: found, decoded once, split by class. Needs numpy and Pillow, no torch and no Qt."""
