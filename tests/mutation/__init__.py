"""Takes one wait, one secret, one check out of the program at a time, and asks the tests whether they notice."""
