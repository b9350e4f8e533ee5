"""The only package that sees all settings: each component's arguments, the checks, and the description for verify."""

from program.checks import refuse_what_breaks
from program.description import describe
from program.observation import look
from program.plan import Plan
from program.verification import verification

__all__ = ["Plan", "describe", "look", "refuse_what_breaks", "verification"]
