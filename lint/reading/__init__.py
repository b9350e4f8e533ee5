"""From files, folders and standard input to objects."""
