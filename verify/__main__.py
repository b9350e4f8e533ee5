"""``python -m verify``: prove that tracing works, hop by hop, or name what is broken.

Exits 0 if everything works, 1 if something is broken, with --strict also for a warning, 2 if it could not be checked,
or its result not be published.
"""

import datetime
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.text import Text

from verify import outputs, pictures
from verify.access.cluster import CannotCheckError, Cluster
from verify.access.deadline import Deadline, TimeOverError
from verify.causes import Code
from verify.check import Wanted, check
from verify.hops import HOPS, Hop
from verify.output import terminal, unexpected
from verify.output.report import Report, failure, schema
from verify.publication import Place, publish
from verify.redaction import printable, redacted
from verify.traffic.service_graph import Edge
from verify.world import World

WORKS, BROKEN, UNCHECKED = range(3)
_CODES = {"works": WORKS, "broken": BROKEN, "cannot tell": UNCHECKED}
_BETWEEN_ROUNDS = 5.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?\Z")
_SECONDS: dict[str | None, int] = {None: 1, "s": 1, "m": 60, "h": 3600}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _print_schema(wanted: bool) -> None:
    if wanted:
        typer.echo(schema())
        raise typer.Exit


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
    prometheus_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The authority that an existing Prometheus is trusted by.")
    ] = None,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long one check may take, of several with --wait or --watch.")
    ] = "5m",
    wait: Annotated[
        str, typer.Option(metavar="DURATION", help="Check again until everything works, at most this long: 120s.")
    ] = "0s",
    watch: Annotated[bool, typer.Option("--watch", help="Check again and again until interrupted.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, with --watch each on a line.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for a warning too.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print all evidence.")] = False,
    folder: Annotated[
        Path, typer.Option("--report", metavar="FOLDER", help="Where report.html and graph.svg go.")
    ] = Path("verify-report"),
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no files.")] = False,
    publish_to: Annotated[
        str | None,
        typer.Option(
            "--publish",
            metavar="NAMESPACE/CONFIGMAP",
            help="Write the result to this ConfigMap, as an Event, and to Prometheus as metrics.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error in verify itself.")] = False,
    _: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of --json.", is_eager=True, callback=_print_schema)
    ] = False,
) -> None:
    _print_anything()
    if debug:
        unexpected.show_tracebacks(sys.stderr)
    voice = Voice(as_json=as_json, in_lines=watch, verbose=verbose)
    code = UNCHECKED
    is_published = True
    try:
        wanted = Wanted(_hops(only or []), _edges(edge or []), _address(probe))
        authority, place = _content(prometheus_ca), _place(publish_to)
        seconds, deadline = _seconds(wait), Deadline(_time_for_a_check(timeout))
        with deadline.enforced(lambda: _end(voice, stack, timeout)):
            name, deployment = (
                outputs.of_file(outputs_file, stack) if outputs_file else outputs.of_stack(stack, deadline)
            )
            cluster = Cluster(context, deployment.cluster_uid, deadline)
            world = World(cluster, deployment, name, prometheus_ca=authority)
            for report in _rounds(world, wanted, voice.progress, forever=watch, seconds=seconds):
                voice.show(report)
                if not no_report:
                    _write(report, folder, voice)
                if place:
                    is_published = _publish(world, report, place, voice)
        if is_published:
            code = BROKEN if strict and report.warnings else _CODES[report.verdict]
    except CannotCheckError as error:
        voice.fail(stack, error)
    except TimeOverError as error:
        voice.fail(stack, CannotCheckError(str(error), code=Code.TIME_OVER))
    except BrokenPipeError:
        # Whoever reads has enough. Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        voice.fail(stack, CannotCheckError(unexpected.described(error), code=Code.UNEXPECTED))
    raise typer.Exit(code)


class Voice:
    """Says reports on the standard output, and everything else on the standard error.

    ``in_lines``: a report in JSON is one line of several.
    """

    def __init__(self, *, as_json: bool, in_lines: bool, verbose: bool) -> None:
        self.progress = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._as_json = as_json
        self._in_lines = in_lines
        self._verbose = verbose

    def say(self, text: str) -> None:
        self.progress.print(printable(text), soft_wrap=True)

    def show(self, report: Report) -> None:
        if self._as_json:
            self._write(report.to_json())
        else:
            terminal.show(report, terminal.console(), verbose=self._verbose)

    def fail(self, stack: str | None, error: CannotCheckError) -> None:
        """Say why nothing could be checked."""
        message = redacted(str(error))
        self.say(f"verify: {message}")
        if error.remedy:
            self.say(f"  {error.remedy}")
        if self._as_json:
            now = datetime.datetime.now(tz=datetime.UTC)
            self._write(failure(stack, now, error.code, message, printable(error.remedy)))

    def _write(self, document: dict[str, Any]) -> None:
        typer.echo(json.dumps(document, indent=None if self._in_lines else 2))


def _end(voice: Voice, stack: str | None, timeout: str) -> None:
    """End the program from wherever it waits."""
    why = f"the check has not ended within {timeout}: something cannot be interrupted, such as a name server"
    voice.fail(stack, CannotCheckError(why, code=Code.TIME_OVER))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(UNCHECKED)


def _print_anything() -> None:
    """Print on a terminal that is not UTF-8 what it can show, and the rest as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write(report: Report, folder: Path, voice: Voice) -> None:
    """Write the files; that they cannot be written does not change the verdict."""
    try:
        pictures.write(report, folder)
    except OSError as error:
        voice.say(f"not written: {folder} ({error.strerror})")
    except Exception as error:
        voice.say(f"not written: {folder} ({unexpected.described(error)})")
    else:
        voice.say(f"written: {folder}/report.html, {folder}/graph.svg")


def _publish(world: World, report: Report, place: Place, voice: Voice) -> bool:
    """Whether the result could be published."""
    problems = publish(world, report, place)
    for problem in problems:
        voice.say(f"not published: {problem}")
    return not problems


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
        # The time for a check neither ends the pause nor is spent by it.
        world.cluster.deadline.restart()
        time.sleep(_BETWEEN_ROUNDS)
        world.cluster.deadline.restart()


@contextmanager
def _showing_progress(progress: Console) -> Iterator[Callable[[str], None]]:
    """Show progress: on a terminal one line that is updated, in a log one line for each stage."""
    if progress.is_terminal:
        with progress.status("") as status:
            yield lambda text: status.update(Text(printable(text)))
        return
    shown = ""

    def say(text: str) -> None:
        nonlocal shown
        stage = text.rpartition(": ")[2]
        if stage != shown:
            progress.print(f"… {printable(text)}", soft_wrap=True)
        shown = stage

    yield say


def _hops(names: Sequence[str]) -> Sequence[Hop]:
    known = {hop.name: hop for hop in HOPS}
    for name in names:
        if name not in known:
            raise CannotCheckError(
                f"no hop is called {name!r}; the hops are {', '.join(known)}", code=Code.WRONG_OPTION
            )
    return [hop for hop in HOPS if not names or hop.name in names]


def _edges(texts: Sequence[str]) -> frozenset[Edge]:
    found = set()
    for text in texts:
        client, separator, server = text.partition("=")
        if not (client and separator and server):
            raise CannotCheckError(f"expected an edge as CLIENT=SERVER, found {text!r}", code=Code.WRONG_OPTION)
        found.add(Edge(client, server))
    return frozenset(found)


def _address(url: str | None) -> str | None:
    try:
        parts = urlsplit("http://none" if url is None else url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise CannotCheckError(
            f"expected an address such as http://web.shop.svc:8080/path, found {url!r}", code=Code.WRONG_OPTION
        )
    return url


def _place(text: str | None) -> Place | None:
    place = None if text is None else Place.parse(text)
    if text is not None and place is None:
        raise CannotCheckError(f"expected a ConfigMap as NAMESPACE/NAME, found {text!r}", code=Code.WRONG_OPTION)
    return place


def _content(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CannotCheckError(f"{file} cannot be read ({type(error).__name__})", code=Code.WRONG_OPTION) from None


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise CannotCheckError(f"expected a duration such as 120s or 2m, found {text!r}", code=Code.WRONG_OPTION)
    return float(match[1]) * _SECONDS[match[2]]


def _time_for_a_check(text: str) -> float:
    seconds = _seconds(text)
    if not seconds:
        raise CannotCheckError("no check can be made within 0 s: --timeout has to be longer", code=Code.WRONG_OPTION)
    return seconds


if __name__ == "__main__":
    app()
