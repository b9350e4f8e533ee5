"""``python -m verify``: prove that tracing works, hop by hop, and say what is broken.

Exits 0 when all is well, 1 when something is broken, 2 when it could not be checked.
"""

import json
import re
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from verify import outputs, terminal
from verify.check import Wanted, check
from verify.cluster import CannotCheckError, Cluster
from verify.hops import HOPS
from verify.pictures import write
from verify.report import Report
from verify.service_graph import Edge
from verify.world import World

WORKS, BROKEN, UNCHECKED = range(3)
_CODES = {"works": WORKS, "broken": BROKEN, "cannot tell": UNCHECKED}
_BETWEEN_ROUNDS = 5.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?\Z")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="The Pulumi stack; default: the selected one.")] = None,
    outputs_file: Annotated[
        str | None, typer.Option("--outputs", metavar="FILE", help="What `pulumi stack output --json` printed.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="Another context of the kubeconfig than the stack's.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="HOP", help=f"Only this hop: {', '.join(hop.name for hop in HOPS)}.")
    ] = None,
    edge: Annotated[
        list[str] | None, typer.Option(metavar="CLIENT=SERVER", help="A further edge to expect: cart.shop=web.shop.")
    ] = None,
    probe: Annotated[
        str | None, typer.Option(metavar="URL", help="Where to send requests: http://web.shop.svc:8080/path.")
    ] = None,
    wait: Annotated[str, typer.Option(metavar="DURATION", help="Try until all is well, this long: 120s.")] = "0s",
    watch: Annotated[bool, typer.Option("--watch", help="Go on checking until it is interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print all evidence.")] = False,
    report: Annotated[Path, typer.Option(metavar="FOLDER", help="Where report.html and graph.svg go.")] = Path("verify-report"),
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no files.")] = False,
) -> None:
    progress = Console(stderr=True, highlight=False)
    code = UNCHECKED
    try:
        wanted = Wanted(_hops(only or []), _edges(edge or []), probe)
        seconds = _seconds(wait)
        name, deployment = outputs.of_file(outputs_file, stack) if outputs_file else outputs.of_stack(stack)
        cluster = Cluster(context or deployment.context, None if context else deployment.server)
        deadline = time.monotonic() + seconds
        while True:
            with progress.status("…") as status:
                found = check(World(cluster, deployment, name), wanted, status.update)
            code = _CODES[found.verdict]
            if watch:
                _show(found, as_json=as_json, verbose=verbose)
            elif code == WORKS or time.monotonic() > deadline:
                break
            time.sleep(_BETWEEN_ROUNDS)
    except CannotCheckError as error:
        progress.print(f"verify: {error}", soft_wrap=True)
        if error.remedy:
            progress.print(f"  {error.remedy}", soft_wrap=True)
        raise typer.Exit(UNCHECKED) from None
    except KeyboardInterrupt:
        raise typer.Exit(code) from None
    _show(found, as_json=as_json, verbose=verbose)
    if not no_report:
        write(found, report)
        progress.print(f"written: {report}/report.html, {report}/graph.svg")
    raise typer.Exit(code)


def _show(report: Report, *, as_json: bool, verbose: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        terminal.show(report, Console(highlight=False), verbose=verbose)
