"""The environment variables that releases of Istio read: variables.json, with the first and the last release.

``extract.go`` writes it.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def variables() -> Mapping[str, tuple[str, str]]:
    """The releases by the name of the variable."""
    content = (resources.files("lint.istio_env") / "variables.json").read_text(encoding="utf-8")
    return {name: (first, last) for name, (first, last) in json.loads(content).items()}
