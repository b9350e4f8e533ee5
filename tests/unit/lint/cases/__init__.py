"""A faulty manifest and its right twin for each rule: one module for each of lint/rules."""
