"""The command of the embedded cluster: ``python -m local build|up|deploy|node|destroy|down|status|logs|env``."""

import argparse
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local import preflight
from local.build import catalogs, debian, envoy, image_store, images, tools
from local.errors import LocalError
from local.progress import Progress
from local.run import addons, blueprint, olm, stack
from local.run.cluster import EmbeddedCluster
from local.state import CHARTS, State
from verify.traffic import service_graph

GIB = 2**30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 on success, else 1 after printing one line to standard error."""
    options = _parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on, or `make down`", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.set_defaults(run=run)
        return added

    builds = []
    for name, run, help in (
        ("up", _up, "build what is missing, start the cluster, wait until it is ready"),
        ("deploy", _deploy, "up, then deploy the stack `local` and wait for the service graph"),
    ):
        added = command(name, run, help)
        added.add_argument(
            "--port",
            action="append",
            default=[],
            metavar="NAME=PORT",
            type=_port,
            help=f"port of 127.0.0.1 for one of {', '.join(f.name for f in blueprint.FORWARDS)}",
        )
        added.add_argument(
            "--nodes",
            type=int,
            choices=range(1, blueprint.MAX_NODES + 1),
            metavar="NUMBER",
            help=f"how many nodes the cluster has, at most {blueprint.MAX_NODES}; one, unless it has more already",
        )
        builds.append(added)
    builds.append(command("build", _build, "build every tool and image, without starting anything"))
    for added in builds:
        added.add_argument(
            "--with",
            dest="extras",
            action="append",
            default=[],
            choices=sorted({*images.extras(), *tools.extras(), *addons.extras(), *catalogs.SHAPES}),
            help="also what the stack `local` does not need; policies enforces NetworkPolicies, and olm installs the "
            "Operator Lifecycle Manager in place of the operators",
        )
    help = "stop, start or drain one node of several"
    actions = commands.add_parser("node", help=help, description=help).add_subparsers(required=True, metavar="ACTION")
    for name, act, help in (
        ("stop", _stop_node, "end a node at once, as if its power failed"),
        ("start", _start_node, "bring a node back after stop or drain, and wait until it is ready"),
        ("drain", _drain_node, "evict the pods of a node, and let none be placed there until start"),
    ):
        action = actions.add_parser(name, help=help, description=help)
        action.set_defaults(run=act)
        action.add_argument("name", metavar="NAME", help="such as node2; status lists them")
    command("destroy", _destroy, "destroy the stack `local` and keep the cluster")
    command("down", _down, "end the cluster and remove everything that it made").add_argument(
        "--destroy",
        action="store_true",
        help="first destroy the stack `local`; if that fails, end the cluster all the same",
    )
    command("status", _status, "print what runs, at which addresses, and which images are stand-ins or older")
    logs = command("logs", _logs, "print the end of one log, or the names of all")
    logs.add_argument("name", nargs="?")
    logs.add_argument("--lines", type=int, default=100)
    command("env", _env, "print the exports with which kubectl and pulumi work on the cluster")
    return parser


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in {forward.name for forward in blueprint.FORWARDS} or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PORT")
    return name, int(number)


def _fitting_state() -> State:
    """Return the state folder, after checking, before anything is written, that this machine can run the cluster."""
    state = State.default()
    preflight.check(state)
    return state


def _up(options: argparse.Namespace) -> int:
    state, progress = _fitting_state(), Progress()
    with state.lock():
        running = _bring_up(state, progress, options)
        with progress.step("wait until it is ready"):
            running.cluster.wait_until_ready(running.addons)
    _print_durations(progress)
    _print_addresses(state)
    return 0


def _build(options: argparse.Namespace) -> int:
    state, progress = _fitting_state(), Progress()
    with state.lock():
        _make(state, progress, options.extras)
    _print_durations(progress)
    return 0


@dataclass(frozen=True)
class _Made:
    """What is on the disk before a cluster starts: each program by name, the images, and the store that holds them.

    Of the catalogs of OLM, the images by name.
    """

    toolbox: tools.Toolbox
    programs: dict[str, Path]
    images: list[images.Image]
    image_store: Path
    catalogs: Mapping[str, str]


def _make(state: State, progress: Progress, extras: Sequence[str]) -> _Made:
    """Install, download or build whatever command, program or image is missing; return where everything is."""
    shape = _shape_of_olm(extras)
    extras = [*extras, *([catalogs.OLM] if shape else [])]
    debian.ensure_commands(progress, state.logs)
    preflight.check_kernel(state)
    toolbox = tools.Toolbox(state.logs, progress, extras)
    with ThreadPoolExecutor(1) as beside:
        # These wait for the network and the disk while the compilers keep the processors busy.
        unpacked = beside.submit(debian.unpack, progress, state.logs)
        downloaded = [beside.submit(get, progress, state.logs) for get in (debian.root_filesystem, envoy.ensure)]
        programs = {**toolbox.ensure(), **unpacked.result()}
        for download in downloaded:
            download.result()
    built = images.build(programs, toolbox.module_folder, progress, state.logs, extras)
    offered = catalogs.build(shape, programs, toolbox.module_folder, progress) if shape else catalogs.NONE
    built = [*built, *offered.images]
    store = image_store.ensure(programs, built, progress, state.logs)
    return _Made(toolbox, programs, built, store, offered.references)


def _shape_of_olm(extras: Sequence[str]) -> str:
    """Return how OLM is asked for; nothing if it is not."""
    shapes = [shape for shape in catalogs.SHAPES if shape in extras]
    if len(shapes) > 1:
        raise LocalError(f"--with {' --with '.join(shapes)}: a cluster has OLM in one of these shapes")
    return next(iter(shapes), "")


@dataclass(frozen=True)
class _Running:
    """A cluster that runs, with the ``addons`` applied and about to be ready, and its stack, not yet deployed."""

    cluster: EmbeddedCluster
    addons: addons.Addons
    stack: stack.Stack


def _bring_up(state: State, progress: Progress, options: argparse.Namespace) -> _Running:
    """Start the cluster, or go on with what an earlier run left; the caller holds the lock."""
    cluster = EmbeddedCluster(state)
    extras = _with_olm(cluster, _with_policies(cluster, progress, options.extras))
    made = _make(state, progress, extras)
    # Neither belongs on PATH: containerd is told where the plugins are, and Pulumi looks for its provider in its home.
    programs = dict(made.programs)
    cni, provider = programs.pop("cni"), programs.pop("pulumi-resource-kubernetes")
    cluster.set_size(options.nodes)
    _link_charts(made.toolbox)
    with progress.step("bring in the images"):
        cluster.bring_in_images(made.image_store, made.images)
    with progress.step("start the cluster"):
        cluster.start(programs, cni, dict(options.port))
        wanted = addons.load(made.toolbox.module_folder, wanted=options.extras).on(len(cluster.machines))
        if shape := cluster.olm:
            wanted = olm.onto(wanted, shape, made.toolbox.module_folder(olm.TOOL, olm.MODULE), made.catalogs)
        cluster.wait_for_api()
    with progress.step("install DNS, storage and the operators"):
        cluster.install(wanted)
    for note in addons.notes():
        progress.say(f"  note: {note}")
    if others := images.notes(made.images):
        progress.say(f"  note: {len(others)} images are not what their names say; `make status` says what each is")
    local_stack = stack.Stack(state, cluster)
    local_stack.prepare(provider)
    return _Running(cluster, wanted, local_stack)


def _with_policies(cluster: EmbeddedCluster, progress: Progress, extras: Sequence[str]) -> list[str]:
    """Return the extras to build: the enforcer too if it was ever asked for, but not where the kernel is of no use."""
    if blueprint.POLICIES not in extras:
        return [*extras, *([blueprint.POLICIES] if cluster.enforces_policies else [])]
    if refusal := preflight.queue_refusal():
        progress.say(f"  ! NetworkPolicies are not enforced: {refusal}")
        return [extra for extra in extras if extra != blueprint.POLICIES]
    cluster.enforce_policies()
    return [*extras]


def _with_olm(cluster: EmbeddedCluster, extras: list[str]) -> list[str]:
    """Return the extras with the shape of OLM that the cluster has, or gets from its first start."""
    if shape := _shape_of_olm(extras):
        cluster.use_olm(shape)
        return extras
    return [*extras, *([cluster.olm] if cluster.olm else [])]


def _link_charts(toolbox: tools.Toolbox) -> None:
    """Copy Istio's charts from the pinned module to where the stack's settings expect them."""
    module = toolbox.module_folder("istio", "istio.io/istio") / "manifests" / "charts"
    CHARTS.mkdir(parents=True, exist_ok=True)
    folders = {"base": "base", "cni": "istio-cni", "gateway": "gateway", "istiod": "istio-control/istio-discovery"}
    for name, source in folders.items():
        shutil.rmtree(CHARTS / name, ignore_errors=True)
        shutil.copytree(module / source, CHARTS / name, copy_function=shutil.copyfile)


def _deploy(options: argparse.Namespace) -> int:
    state, progress = _fitting_state(), Progress()
    with state.lock():
        running = _bring_up(state, progress, options)
        # What the program makes first needs neither the operators nor DNS; what needs them waits for them.
        with progress.step("pulumi up"), ThreadPoolExecutor(1) as beside:
            ready = beside.submit(running.cluster.wait_until_ready, running.addons)
            running.stack.up()
            ready.result()
        with progress.step("wait for the service graph"):
            graph = running.stack.wait_for_graph(_address(state, "prometheus"))
    print("\nService graph, as Prometheus has it:\n")
    print(service_graph.draw(graph))
    _print_durations(progress)
    print(f"\nMemory in use by the whole cluster: {EmbeddedCluster(state).memory_bytes() / GIB:.1f} GiB")
    _print_addresses(state)
    return 0


def _stop_node(options: argparse.Namespace) -> int:
    state = State.default()
    with state.lock(), Progress().step(f"stop {options.name}"):
        EmbeddedCluster(state).stop_node(options.name)
    return 0


def _start_node(options: argparse.Namespace) -> int:
    state = State.default()
    with state.lock(), Progress().step(f"start {options.name}"):
        EmbeddedCluster(state).start_node(options.name)
    return 0


def _drain_node(options: argparse.Namespace) -> int:
    state, progress = State.default(), Progress()
    with state.lock(), progress.step(f"drain {options.name}"):
        progress.say(EmbeddedCluster(state).drain_node(options.name).rstrip())
    return 0


def _destroy(options: argparse.Namespace) -> int:
    state = State.default()
    with state.lock():
        deployed = _deployed(state)
        if deployed is None:
            print("nothing to destroy: the cluster does not run, or has no stack")
        else:
            deployed.destroy()
    return 0


def _deployed(state: State) -> stack.Stack | None:
    """Return the stack, if there is one and its cluster runs."""
    cluster = EmbeddedCluster(state)
    local_stack = stack.Stack(state, cluster)
    return local_stack if cluster.init_process() is not None and local_stack.exists() else None


def _down(options: argparse.Namespace) -> int:
    state = State.default()
    with state.lock():
        deployed = _deployed(state) if options.destroy else None
        if deployed is not None:
            try:
                deployed.destroy(but_namespaces=True)
            except LocalError as error:
                print(f"the stack cannot be destroyed and is removed with its cluster: {error}", file=sys.stderr)
        remains = EmbeddedCluster(state).down()
    print(f"ended {remains.processes} processes; nothing of the cluster is left but the logs in {state.logs}")
    return 0


def _status(options: argparse.Namespace) -> int:
    state = State.default()
    cluster = EmbeddedCluster(state)
    if cluster.init_process() is None:
        print("the cluster does not run: make up")
        return 1
    print(f"the cluster runs, with {cluster.memory_bytes() / GIB:.1f} GiB of memory in use\n")
    for machine in cluster.machines:
        runs = machine.init_process() is not None
        says = (
            f"{machine.memory_bytes() / GIB:.1f} GiB"
            if runs
            else "stopped: python -m local node start " + machine.node.name
        )
        print(f"{machine.node.name}: {says}")
    print()
    print(cluster.kubectl("get", "nodes", "--output=wide", "--label-columns=topology.kubernetes.io/zone"))
    print(cluster.kubectl("get", "pods", "--all-namespaces", "--output=wide"))
    print(f"NetworkPolicies: {_policies(cluster)}")
    for note in images.stand_ins():
        print(f"stand-in: {note}")
    for note in images.older():
        print(f"older: {note}")
    _print_addresses(state)
    return 0


def _policies(cluster: EmbeddedCluster) -> str:
    if cluster.enforces_policies:
        return "enforced, over the first packet of each connection of a pod that one selects"
    refusal = preflight.queue_refusal()
    return "accepted and not enforced: " + (refusal or "the cluster was started without --with policies")


def _logs(options: argparse.Namespace) -> int:
    state = State.default()
    known = {file.stem: file for file in sorted(state.logs.glob("*.log"))}
    if options.name is None:
        print("\n".join(known) or f"no logs yet in {state.logs}")
        return 0
    if options.name not in known:
        raise LocalError(
            f"there is no log {options.name!r}: `logs` without a name lists them; for a pod's log use kubectl logs"
        )
    print("\n".join(known[options.name].read_text(errors="replace").splitlines()[-options.lines :]))
    return 0


def _env(options: argparse.Namespace) -> int:
    for name, value in stack.environment(State.default()).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _address(state: State, name: str) -> str:
    return f"http://127.0.0.1:{state.record()['ports'][name]}"


def _print_addresses(state: State) -> None:
    print("\nOpen or query:")
    for forward in blueprint.FORWARDS:
        if forward.name == "kubernetes":
            continue
        print(f"  {forward.name:<12} {_address(state, forward.name)}{forward.path}")
    print('  by hand      eval "$(.venv/bin/python -m local env)", then kubectl and pulumi')


def _print_durations(progress: Progress) -> None:
    print("\nTime by step:")
    for name, seconds in progress.durations.items():
        print(f"  {seconds:>7.1f} s  {name}")


if __name__ == "__main__":
    sys.exit(main())
