"""``python -m verify``: prove that tracing works, hop by hop, or name what is broken.

Exits 0 if everything works, 1 if something is broken, with --strict also for a warning, 2 if it could not be checked.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from verify import outputs, pictures, terminal
from verify.check import Wanted, check
from verify.cluster import CannotCheckError, Cluster
from verify.hops import HOPS, Hop
from verify.redaction import redacted
from verify.report import Report
from verify.service_graph import Edge
from verify.world import World

WORKS, BROKEN, UNCHECKED = range(3)
_CODES = {"works": WORKS, "broken": BROKEN, "cannot tell": UNCHECKED}
_BETWEEN_ROUNDS = 5.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?\Z")
_SECONDS: dict[str | None, int] = {None: 1, "s": 1, "m": 60, "h": 3600}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=(__doc__ or "").replace("``", "`"))
def main(  # noqa: PLR0913, PLR0917  typer makes an option of each parameter
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="The stack; default: the selected one.")] = None,
    outputs_file: Annotated[
        str | None, typer.Option("--outputs", metavar="FILE", help="What `pulumi stack output --json` printed.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="The kubeconfig context of the stack's cluster; default: the current one.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="HOP", help=f"Only this hop: {', '.join(hop.name for hop in HOPS)}.")
    ] = None,
    edge: Annotated[
        list[str] | None, typer.Option(metavar="CLIENT=SERVER", help="One more edge to expect: cart.shop=web.shop.")
    ] = None,
    probe: Annotated[
        str | None, typer.Option(metavar="URL", help="Where to send requests: http://web.shop.svc:8080/path.")
    ] = None,
    wait: Annotated[
        str, typer.Option(metavar="DURATION", help="Check again until everything works, at most this long: 120s.")
    ] = "0s",
    watch: Annotated[bool, typer.Option("--watch", help="Check again and again until interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for a warning too.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print all evidence.")] = False,
    folder: Annotated[
        Path, typer.Option("--report", metavar="FOLDER", help="Where report.html and graph.svg go.")
    ] = Path("verify-report"),
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no files.")] = False,
) -> None:
    progress = Console(stderr=True, highlight=False, markup=False)
    try:
        wanted = Wanted(_hops(only or []), _edges(edge or []), _address(probe))
        seconds = _seconds(wait)
        name, deployment = outputs.of_file(outputs_file, stack) if outputs_file else outputs.of_stack(stack)
        cluster = Cluster(context, deployment.cluster_uid)
        world = World(cluster, deployment, name)
        for report in _rounds(world, wanted, progress, forever=watch, seconds=seconds):
            if as_json:
                typer.echo(json.dumps(report.to_json(), indent=2))
            else:
                terminal.show(report, terminal.console(), verbose=verbose)
            if not no_report:
                _write(report, folder, progress)
    except CannotCheckError as error:
        progress.print(f"verify: {redacted(str(error))}", soft_wrap=True)
        if error.remedy:
            progress.print(f"  {error.remedy}", soft_wrap=True)
        raise typer.Exit(UNCHECKED) from None
    raise typer.Exit(BROKEN if strict and report.warnings else _CODES[report.verdict])


def _write(report: Report, folder: Path, progress: Console) -> None:
    """Write the files; a folder that cannot be written to does not change the verdict."""
    try:
        pictures.write(report, folder)
    except OSError as error:
        progress.print(f"not written: {folder} ({error.strerror})", soft_wrap=True)
    else:
        progress.print(f"written: {folder}/report.html, {folder}/graph.svg", soft_wrap=True)


def _rounds(world: World, wanted: Wanted, progress: Console, *, forever: bool, seconds: float) -> Iterator[Report]:
    """Check again and again; yield every report if ``forever``, else one.

    That is the first that finds everything working, or the first after ``seconds`` have passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        with _showing_progress(progress) as say:
            report = check(world, wanted, say)
        is_last = not forever and (report.verdict == "works" or time.monotonic() >= deadline)
        if forever or is_last:
            yield report
        if is_last:
            return
        progress.print(f"{report.verdict}: trying again", soft_wrap=True)
        time.sleep(_BETWEEN_ROUNDS)


@contextmanager
def _showing_progress(progress: Console) -> Iterator[Callable[[str], None]]:
    """Show progress: on a terminal one line that is updated, in a log one line for each stage."""
    if progress.is_terminal:
        with progress.status("") as status:
            yield status.update
        return
    shown = ""

    def say(text: str) -> None:
        nonlocal shown
        stage = text.rpartition(": ")[2]
        if stage != shown:
            progress.print(f"… {text}", soft_wrap=True)
        shown = stage

    yield say


def _hops(names: Sequence[str]) -> Sequence[Hop]:
    known = {hop.name: hop for hop in HOPS}
    for name in names:
        if name not in known:
            raise CannotCheckError(f"no hop is called {name!r}; the hops are {', '.join(known)}")
    return [hop for hop in HOPS if not names or hop.name in names]


def _edges(texts: Sequence[str]) -> frozenset[Edge]:
    found = set()
    for text in texts:
        client, separator, server = text.partition("=")
        if not (client and separator and server):
            raise CannotCheckError(f"expected an edge as CLIENT=SERVER, found {text!r}")
        found.add(Edge(client, server))
    return frozenset(found)


def _address(url: str | None) -> str | None:
    try:
        parts = urlsplit("http://none" if url is None else url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotCheckError(f"expected an address such as http://web.shop.svc:8080/path, found {url!r}")
    return url


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise CannotCheckError(f"expected a duration such as 120s or 2m, found {text!r}")
    return float(match[1]) * _SECONDS[match[2]]


if __name__ == "__main__":
    app()
