"""The command line: one file for each group of commands, engine and studio imported only by those that need them."""
