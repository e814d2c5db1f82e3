"""MetaStudio: few-shot learning from folders of images, in a window or from the command line."""

__version__ = "0.1.0"
