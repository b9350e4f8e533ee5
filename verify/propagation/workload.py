"""Which application a pod belongs to, and in which language it is written, where its pod gives that away."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from verify.access.cluster import Object

_PROXY = "istio-proxy"
# The label that a Deployment's ReplicaSet has in its name.
_TEMPLATE_HASH = "pod-template-hash"
_INJECTED = "instrumentation.opentelemetry.io/inject-"


class Language(StrEnum):
    """A language, by its name for people."""

    PYTHON = "Python"
    JAVA = "Java"
    NODE = "Node.js"
    GO = "Go"
    RUBY = "Ruby"
    PHP = "PHP"
    DOTNET = ".NET"


# The first word of a command, or the end of a file that it runs.
_COMMANDS = {
    Language.PYTHON: r"python[\d.]*|gunicorn|uvicorn|flask|django-admin|celery|.*\.py",
    Language.JAVA: r"java|catalina\.sh|.*\.jar",
    Language.NODE: r"node|npm|npx|yarn|pnpm|pm2|.*\.[cm]?js",
    Language.RUBY: r"ruby|bundle|rails|puma|unicorn|rackup|.*\.rb",
    Language.PHP: r"php|php-fpm|apache2-foreground|.*\.php",
    Language.DOTNET: r"dotnet|.*\.dll",
}
# How the names of variables begin that only programs in this language read.
_VARIABLES = {
    Language.PYTHON: r"PYTHON|DJANGO_|FLASK_|GUNICORN_|UVICORN_",
    Language.JAVA: r"JAVA_|_JAVA_|JDK_|SPRING_|JVM_|QUARKUS_|CATALINA_",
    Language.NODE: r"NODE_(ENV|OPTIONS|VERSION|PATH|EXTRA)|NPM_|NEXT_|EXPRESS_",
    Language.GO: r"GOMAXPROCS|GOMEMLIMIT|GOGC|GODEBUG|GIN_MODE",
    Language.RUBY: r"RUBY|RAILS_|RACK_|BUNDLE_|GEM_",
    Language.PHP: r"PHP_|LARAVEL_",
    Language.DOTNET: r"ASPNETCORE_|DOTNET_|COMPlus_",
}
# Words in the name of an image.
_WORDS = {
    Language.PYTHON: r"python\d?|django|flask|fastapi",
    Language.JAVA: r"(java|openjdk|jdk|jre)\d*|temurin|corretto|spring|springboot|tomcat|quarkus|wildfly|liberty|jetty",
    Language.NODE: r"nodejs\d*|express|nestjs|nextjs",
    Language.GO: r"golang",
    Language.RUBY: r"ruby|rails",
    Language.PHP: r"php\d*|laravel|symfony",
    Language.DOTNET: r"dotnet|aspnet|aspnetcore|csharp",
}
# What Instrumentations, and people in labels, call them.
_CALLED = {
    "python": Language.PYTHON,
    "java": Language.JAVA,
    "kotlin": Language.JAVA,
    "nodejs": Language.NODE,
    "node": Language.NODE,
    "node.js": Language.NODE,
    "javascript": Language.NODE,
    "typescript": Language.NODE,
    "go": Language.GO,
    "golang": Language.GO,
    "ruby": Language.RUBY,
    "php": Language.PHP,
    "dotnet": Language.DOTNET,
    ".net": Language.DOTNET,
    "csharp": Language.DOTNET,
}
_LABELS = ("app.kubernetes.io/language", "language", "lang")


@dataclass(frozen=True)
class Workload:
    """An application, named after what keeps its pods, such as a Deployment. ``labels`` are those of its pods.

    ``container`` is its first one that is not a sidecar. ``language`` is None if it cannot be told. ``instrumented``:
    its pods ask for automatic instrumentation already.
    """

    kind: str
    namespace: str
    name: str
    container: str
    image: str
    language: Language | None
    instrumented: bool
    labels: tuple[tuple[str, str], ...]

    @property
    def place(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def workload_of(pod: Object) -> Workload:
    meta = pod["metadata"]
    kind, name = _owner(pod)
    container = next(one for one in pod["spec"]["containers"] if one["name"] != _PROXY)
    annotations = meta.get("annotations") or {}
    return Workload(
        kind=kind,
        namespace=meta["namespace"],
        name=name,
        container=container["name"],
        image=container.get("image", ""),
        language=_language(pod, container),
        instrumented=any(key.startswith(_INJECTED) and value != "false" for key, value in annotations.items()),
        labels=tuple(sorted((meta.get("labels") or {}).items())),
    )


def _owner(pod: Object) -> tuple[str, str]:
    meta = pod["metadata"]
    owner = next((one for one in meta.get("ownerReferences") or [] if one.get("controller")), None)
    if owner is None:
        return "Pod", meta["name"]
    suffix = f"-{(meta.get('labels') or {}).get(_TEMPLATE_HASH, '')}"
    if owner["kind"] == "ReplicaSet" and len(suffix) > 1 and owner["name"].endswith(suffix):
        return "Deployment", owner["name"].removesuffix(suffix)
    return owner["kind"], owner["name"]


def _language(pod: Object, container: Object) -> Language | None:
    """The most reliable sign first: what somebody wrote down, then what is run, then its surroundings."""
    signs = (_said(pod), _run(container), _set(container), _imaged(container))
    return next((language for found in signs for language in found), None)


def _said(pod: Object) -> Iterator[Language]:
    meta = pod["metadata"]
    for key in meta.get("annotations") or {}:
        if key.startswith(_INJECTED) and key.removeprefix(_INJECTED) in _CALLED:
            yield _CALLED[key.removeprefix(_INJECTED)]
    for label in _LABELS:
        called = _CALLED.get(str((meta.get("labels") or {}).get(label, "")).lower())
        if called is not None:
            yield called


def _run(container: Object) -> Iterator[Language]:
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    # A shell has the whole command in one word.
    programs = [word.rpartition("/")[2] for text in words for word in str(text).split()]
    for program in programs:
        yield from _matching(_COMMANDS, program)


def _set(container: Object) -> Iterator[Language]:
    for variable in container.get("env") or []:
        yield from (language for language, names in _VARIABLES.items() if re.match(names, variable.get("name", "")))


def _imaged(container: Object) -> Iterator[Language]:
    path = container.get("image", "").partition("@")[0]
    repository, _, tag = path.rpartition(":") if ":" in path.rpartition("/")[2] else (path, "", "")
    for word in re.split(r"[/._-]", f"{repository}-{tag}".lower()):
        yield from _matching(_WORDS, word)
    # A short name is a language where it is all of the name, and not where it is a part, as in node-exporter.
    if called := _CALLED.get(repository.rpartition("/")[2].lower()):
        yield called


def _matching(table: dict[Language, str], word: str) -> Iterator[Language]:
    return (language for language, pattern in table.items() if re.fullmatch(pattern, word))
