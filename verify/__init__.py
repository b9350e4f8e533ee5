"""Proves that a deployed stack traces, by asking its parts."""
