"""Removes one wait, secret or check from the program at a time, and demands that a test fails."""
