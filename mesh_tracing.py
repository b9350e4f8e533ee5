"""The command line for everything that is not Pulumi's own: ``python -m mesh_tracing COMMAND``."""

import argparse
import runpy
import sys

# The module that each command runs, with the same options and exit codes, and what it is for. None is imported before
# its command runs: some take a second.
_COMMANDS = {
    "lint": ("lint", "check manifests for mistakes that break tracing, and explain the checks"),
    "verify": ("verify", "prove that a deployed stack traces, or name what is broken and what repairs it"),
    "facts": ("cluster", "keep what previews without access to the cluster are checked with"),
    "preview": ("cluster.offline", "preview a stack without its backend, its secrets and its cluster"),
    "roles": ("program.roles", "print what preview, up, destroy and verify may do on a stack's cluster"),
    "images": ("program.images", "list the images, charts and manifests that a stack pulls, and their mirrored names"),
    "settings": ("model", "print the page of all settings"),
    "alerts": ("objects.alerts", "print the page of all alerts"),
    "checks": ("lint.reference", "write the pages of all checks"),
    "stacks": ("stacks", "print the committed stacks, or those that a change touches"),
}


def main() -> None:
    command = _parser().parse_args(sys.argv[1:2]).command
    module, _ = _COMMANDS[command]
    sys.argv = [f"{sys.argv[0]} {command}", *sys.argv[2:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mesh_tracing",
        usage="%(prog)s COMMAND [OPTION]...",
        description="Everything beside the deployment itself, which is `pulumi up`.",
        epilog="\n".join(
            [
                "commands:",
                *(f"  {name:<10}{purpose}" for name, (_, purpose) in _COMMANDS.items()),
                "\nCOMMAND --help shows the options of lint, verify, facts, preview, roles, images and stacks.",
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=_COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
