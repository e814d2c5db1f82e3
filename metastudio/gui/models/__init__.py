"""Item models: plain Python lists as Qt's views want them, and the thumbnails that they show."""
