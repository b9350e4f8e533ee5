"""Finds what can be taken out of a source file, and writes the file without it.

A mutant leaves out one edge, one wait, one limit of time, one secret's wrapper, or one label or annotation that
decides over sidecars. (The tests of lint take each rule away themselves.)
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_EDGES = {"depends_on", "after"}
_OPTIONS = {
    "custom_timeouts",
    "protect",
    "delete_before_replace",
    "retain_on_delete",
    "deleted_with",
    "ignore_changes",
    "replace_on_changes",
    "aliases",
}
# Labels and annotations that decide whether a pod gets a sidecar, and when it restarts for a new configuration.
_KEYS = {"sidecar.istio.io/inject", "istio-injection", "istio.io/rev", "checksum/config", "ANNOTATION"}
# The method that hashes all that restarts a pod, field by field.
_HASH = "restart_hash"
_LONGEST = 60

Change = Callable[[], None]


@dataclass(frozen=True)
class Mutant:
    """``name`` says what is missing and stays the same when lines move."""

    file: str
    number: int
    name: str


def find(root: Path, file: str) -> list[Mutant]:
    """The mutants of one file below ``root``."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    for number, (name, _) in enumerate(_sites(ast.parse((root / file).read_text()))):
        seen[name] = seen.get(name, 0) + 1
        unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
        found.append(Mutant(file, number, f"{file}: {unique}"))
    return found


def source(root: Path, mutant: Mutant) -> str:
    """The text of the mutant's file."""
    tree = ast.parse((root / mutant.file).read_text())
    _, change = list(_sites(tree))[mutant.number]
    change()
    return ast.unparse(ast.fix_missing_locations(tree))


def _sites(tree: ast.Module) -> Iterator[tuple[str, Change]]:
    """Every place with its name and the change to make there; found in the same order each time."""
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        where = _scope(node, parents)
        if isinstance(node, ast.Call):
            for what, change in _in_call(node, parents):
                yield f"{where}: {what}", change
        elif isinstance(node, ast.Dict):
            for what, change in _in_dictionary(node):
                yield f"{where}: {what}", change


def _in_call(call: ast.Call, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[str, Change]]:
    name = _name(call.func)
    for keyword in call.keywords:
        yield from _in_keyword(call, keyword)
    if name == "after":
        for argument in call.args:
            yield f"{_target(call, parents)} not after {ast.unparse(argument)}", _drop(call.args, argument)
    elif name == "once_ready":
        for argument in call.args[1:]:
            value = ast.unparse(call.args[0])
            yield f"{value} without waiting for {ast.unparse(argument)}", _drop(call.args, argument)
    elif name == "wait_for":
        yield f"without {ast.unparse(call)}", _replace(parents, call, ast.Dict([], []))
    elif name == "get_secret" and isinstance(call.func, ast.Attribute):
        yield f"{ast.unparse(call)} not secret", _set(call.func, "attr", "get")
    elif name == "secret" and len(call.args) == 1:
        yield f"{ast.unparse(call)} not secret", _replace(parents, call, call.args[0])
    elif name == "append" and isinstance(call.func, ast.Attribute) and _is_waited_for(call.func.value, parents):
        yield f"without {_short(call)}", _replace(parents, call, call.args[0])
    elif name == "asdict" and _scope(call, parents).endswith(f".{_HASH}"):
        for field in _fields(call, parents):
            kept = f"{{key: value for key, value in {ast.unparse(call)}.items() if key != {field!r}}}"
            yield f"without the field {field}", _replace(parents, call, ast.parse(kept, mode="eval").body)


def _in_keyword(call: ast.Call, keyword: ast.keyword) -> Iterator[tuple[str, Change]]:
    name = _name(call.func)
    if keyword.arg in _EDGES:
        yield from _edges(keyword)
    elif keyword.arg == "extra_labels" and not isinstance(keyword.value, ast.Dict):
        yield f"without {ast.unparse(keyword.value)}", _set(keyword, "value", ast.Dict([], []))
    elif (name == "ResourceOptions" and keyword.arg in _OPTIONS) or (name == "Release" and keyword.arg == "timeout"):
        yield f"{name} without {ast.unparse(keyword)}", _drop(call.keywords, keyword)


def _fields(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> list[str]:
    """The fields of the class around ``node``."""
    while not isinstance(node, ast.ClassDef):
        node = parents[node]
    return [_name(part.target) for part in node.body if isinstance(part, ast.AnnAssign)]


def _short(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _edges(keyword: ast.keyword) -> Iterator[tuple[str, Change]]:
    value = keyword.value
    if isinstance(value, ast.List):
        for element in value.elts:
            yield f"{keyword.arg} without {ast.unparse(element)}", _drop(value.elts, element)
    elif keyword.arg == "depends_on":
        yield f"depends_on without {ast.unparse(value)}", _set(keyword, "value", ast.List([], ast.Load()))


def _in_dictionary(dictionary: ast.Dict) -> Iterator[tuple[str, Change]]:
    for key in dictionary.keys:
        text = key.value if isinstance(key, ast.Constant) else _name(key)
        if text in _KEYS:
            yield f"without the key {text}", _drop_entry(dictionary, key)


def _is_waited_for(value: ast.expr, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether ``value`` is a list that its function later hands on as ``depends_on``."""
    function: ast.AST = value
    while function in parents and not isinstance(function, ast.FunctionDef):
        function = parents[function]
    waited = [inner for keyword in ast.walk(function) if _is_edge(keyword) for inner in ast.walk(keyword)]
    return isinstance(value, ast.Name) and value.id in {_name(inner) for inner in waited}


def _is_edge(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in _EDGES


def _scope(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    names = []
    current: ast.AST | None = node
    while current is not None:
        if isinstance(current, ast.FunctionDef | ast.ClassDef):
            names.append(current.name)
        current = parents.get(current)
    return ".".join(reversed(names)) or "top"


def _target(call: ast.Call, parents: dict[ast.AST, ast.AST]) -> str:
    current: ast.AST = call
    while current in parents and not isinstance(current, ast.Assign):
        current = parents[current]
    return ast.unparse(current.targets[0]) if isinstance(current, ast.Assign) else "it"


def _name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _drop(nodes: list, node: ast.AST) -> Change:  # type: ignore[type-arg]
    return lambda: nodes.remove(node)


def _drop_entry(dictionary: ast.Dict, key: ast.expr | None) -> Change:
    def drop() -> None:
        index = dictionary.keys.index(key)
        del dictionary.keys[index], dictionary.values[index]

    return drop


def _set(node: ast.AST, field: str, value: object) -> Change:
    return lambda: setattr(node, field, value)


def _replace(parents: dict[ast.AST, ast.AST], old: ast.AST, new: ast.AST) -> Change:
    def replace() -> None:
        parent = parents[old]
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = new

    return replace
