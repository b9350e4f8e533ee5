"""Where the API server has an object."""

from objects.context import Object


def path_of(obj: Object) -> str:
    """The API path of an object."""
    api_version = obj["apiVersion"]
    namespace = obj["metadata"].get("namespace")
    inside = f"/namespaces/{namespace}" if namespace else ""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}{inside}/{plural(obj['kind'])}/{obj['metadata']['name']}"


def plural(kind: str) -> str:
    """The resource of a kind; it follows English for every kind that is used here."""
    name = kind.lower()
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"
