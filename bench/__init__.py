"""Measures the embedded cluster and the program on it: ``python -m bench``.

Every figure that another run can stand beside is a ratio, because seconds differ from machine to machine and from one
hour to the next. Nothing is asserted: the figures are for the person who changes something.
"""
