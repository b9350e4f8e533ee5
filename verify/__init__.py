"""Proof that tracing works, read from what the deployed stack answers."""
