"""What is said of an object that is in the way."""

from dataclasses import dataclass

from verify.causes import Code


@dataclass(frozen=True)
class Obstacle:
    """``evidence`` names the object and the field; ``remedy`` is one command for a shell, or empty."""

    code: Code
    evidence: str
    cause: str
    remedy: str
