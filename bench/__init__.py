"""Measures, on an embedded cluster of its own, how long the project's commands take beside what bounds them.

The figures are for people: no test asserts them, because the machine is as busy as it is.
"""
