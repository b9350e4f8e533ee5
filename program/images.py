"""``python -m program.images``: every image, chart, release manifest and package that a stack pulls.

With a mirror in the settings it also says where pods pull each image from instead. ``--output copy`` prints the two
names on a line, for ``xargs -L1 skopeo copy --all``. What an operator chooses by itself is marked: the program does not
name it, so no mirror of the settings is asked for it.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from program.configured import plan_of
from program.pulled import Pulled, PulledImage, pulled


def as_json(found: Pulled) -> str:
    """``found`` for programs; names in camelCase, as in a stack's configuration."""
    images = [
        {"image": each.image, "mirrored": each.mirrored, "usedBy": each.used_by, "chosenBy": each.chosen_by}
        for each in found.images
    ]
    return json.dumps({**asdict(found), "images": images}, indent=2)


def as_text(found: Pulled) -> str:
    """``found`` for people."""
    named = [each for each in found.images if each.chosen_by is None]
    chosen = [each for each in found.images if each.chosen_by is not None]
    parts = {
        "Images": map(_line, named),
        "Images that others choose, and pull from where they choose": map(_line, chosen),
        "Helm charts": (_words(chart, "chart", "version", "repository", "release") for chart in found.charts),
        "Release manifests": (manifest["file"] for manifest in found.manifests),
        "Packages of the Operator Lifecycle Manager": (
            _words(each, "package", "channel", "catalog", "startingVersion") for each in found.packages
        ),
    }
    sections = ((title, list(lines)) for title, lines in parts.items())
    return "\n\n".join("\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in sections if lines)


def _line(each: PulledImage) -> str:
    mirrored = "" if each.mirrored is None else f" -> {each.mirrored}"
    chosen_by = "" if each.chosen_by is None else f", chosen by {each.chosen_by}"
    return f"{each.image or 'not known here'}{mirrored}  ({', '.join(each.used_by)}{chosen_by})"


def _words(entry: Mapping[str, Any], first: str, *others: str) -> str:
    return "  ".join([entry[first], *(f"{key} {entry[key]}" for key in others if entry[key] is not None)])


def copies(images: Iterable[PulledImage]) -> Iterator[str]:
    """A source and a destination of skopeo per line; it takes no name with both a tag and a digest."""
    for each in images:
        if each.image is not None and each.mirrored is not None:
            yield f"docker://{_by_digest(each.image)} docker://{_by_digest(each.mirrored)}"


def _by_digest(image: str) -> str:
    name, at, digest = image.partition("@")
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}{at}{digest}" if at else image


async def _print(stack: str, output: str) -> None:
    # Outputs, which the secrets are, need a running loop.
    found = pulled(plan_of(stack))
    if output == "copy":
        sys.stdout.writelines(f"{line}\n" for line in copies(found.images))
    else:
        sys.stdout.write(f"{as_json(found) if output == 'json' else as_text(found)}\n")


def main() -> None:
    """Print what the stack that is asked for pulls."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").replace("``", "`"))
    parser.add_argument("--stack", "-s", required=True, help="the stack")
    parser.add_argument(
        "--output",
        choices=["text", "json", "copy"],
        default="text",
        help="text for people (the default), json for programs, copy for skopeo",
    )
    arguments = parser.parse_args()
    asyncio.run(_print(arguments.stack, arguments.output))


if __name__ == "__main__":
    main()
