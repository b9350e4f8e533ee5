"""Charts that are taken from a folder of their repository on GitHub, whose pages have the same charts as releases."""

import re
from dataclasses import dataclass
from typing import Any

from lint.chart_values.releases import is_recorded
from lint.objects import at, text

_GITHUB = re.compile(r"(?:https://|(?:ssh://)?git@)github\.com[/:]([\w-]+)/([\w.-]+?)(?:\.git)?/?")
_FOLDER = "charts/"


@dataclass(frozen=True)
class InGit:
    """``address`` is that of the releases, without a scheme; ``version`` is empty if the revision is not a release's
    tag."""

    name: str
    version: str
    address: str


def chart_in_git(source: Any) -> InGit | None:
    """The chart of a source of Argo CD that names a folder; none if no releases of it are recorded."""
    repository = _GITHUB.fullmatch(text(at(source, "repoURL")))
    folder = text(at(source, "path")).strip("/")
    if repository is None or not folder.startswith(_FOLDER):
        return None
    name, address = folder.removeprefix(_FOLDER), f"{repository[1]}.github.io/{repository[2]}"
    if not is_recorded(address, name):
        return None
    # The tags of Helm's chart-releaser, such as tempo-1.24.4.
    revision, prefix = text(at(source, "targetRevision")), f"{name}-"
    return InGit(name, revision.removeprefix(prefix) if revision.startswith(prefix) else "", address)
