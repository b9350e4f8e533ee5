"""What a person and a program get to read of a check."""
