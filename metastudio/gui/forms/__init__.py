"""Forms made of the options that the catalogue declares."""
