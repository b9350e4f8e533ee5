"""Mutants that live, each with the reason: what is left out changes nothing that the program does."""

ALLOWED: dict[str, str] = {}
