"""Runs the tests in suites that count what they did, say where the time went, and go on after an interruption."""
