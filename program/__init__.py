"""What sees all settings at once: which component gets what, the checks of the whole, and what is told of it."""

from program.checks import refuse_what_breaks
from program.description import describe
from program.plan import Plan

__all__ = ["Plan", "describe", "refuse_what_breaks"]
