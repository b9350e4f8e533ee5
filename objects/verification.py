"""The check of the deployment that runs in the cluster: `python -m verify` in a CronJob, and all that it may do."""

import json
from typing import Any

from pydantic import Field

from model import ExistingPrometheus, Mesh, Platform, Verify
from model.parts import to_kubernetes_env
from model.scalars import Name
from objects import manifests
from objects.context import PART_OF, Args, Object, Text
from objects.pod_security import run_as
from objects.prometheus_access import build_credentials, variables

NAME = f"{PART_OF}-verify"
# The ConfigMap with the stack's outputs, as the pod's manifest mounts it, and the file in it.
_OUTPUTS = f"{NAME}-outputs"
_FILE = "outputs.json"
# That of the image, which another image may not have as a number.
_USER = 65532
_RBAC = "rbac.authorization.k8s.io"


class VerificationArgs(Args):
    """Arguments of ``Verification``."""

    verify: Verify = Field(description="When it runs, and its image.")
    namespace: Name = Field(default=Mesh().namespace, description="Its namespace.")
    stack: str = Field(description="Pulumi's name of the stack, for the commands that the check prints.")
    outputs: dict[str, Any] = Field(description="Those outputs of the stack that the check compares the cluster with.")
    rules: list[dict[str, Any]] = Field(description="What it may read, as the rules of a ClusterRole.")
    existing_prometheus: ExistingPrometheus | None = Field(
        default=None, description="An existing Prometheus that is queried."
    )
    prometheus_credentials: Text | None = Field(default=None, description="The password or token of that one.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")


def build_verification(args: VerificationArgs) -> dict[str, Object]:
    """The CronJob, the account of its pods with its roles, what they read, and where the result goes."""
    built = {}
    for manifest in manifests.load("verify.yaml"):
        obj = _placed(manifest, args)
        if obj["kind"] == "RoleBinding":
            obj = {**obj, "subjects": [_account(args)]}
        elif obj["kind"] == "Job":
            obj = _cron_job(obj, args)
        built[manifests.role(obj)] = obj
    built["outputs"] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": args.context.metadata(_OUTPUTS, args.namespace, app=NAME),
        "data": {_FILE: json.dumps(args.outputs, sort_keys=True)},
    }
    credentials = build_credentials(
        args.existing_prometheus,
        args.prometheus_credentials,
        consumer=NAME,
        namespace=args.namespace,
        context=args.context,
    )
    return {**built, **_role_of_the_cluster(args), **({} if credentials is None else {"credentials": credentials})}


def _placed(manifest: Object, args: VerificationArgs) -> Object:
    labels = args.context.labels(NAME)
    return manifests.place(manifest, namespace=args.namespace, labels=labels, context=args.context)


def _account(args: VerificationArgs) -> Object:
    return {"kind": "ServiceAccount", "name": NAME, "namespace": args.namespace}


def _role_of_the_cluster(args: VerificationArgs) -> dict[str, Object]:
    """The role to read, and who has it; a second stack on the cluster has a mesh in another namespace."""
    name = f"{NAME}-{args.namespace}"
    metadata = args.context.metadata(name, app=NAME)
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": args.rules}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [_account(args)],
    }
    return {"clusterrole": role, "clusterrolebinding": binding}


def _cron_job(job: Object, args: VerificationArgs) -> Object:
    """What makes ``job`` again and again, completed as the settings want it."""
    if args.verify.image is None:
        raise ValueError("verify.image: needed for the check in the cluster")
    job = manifests.with_image(run_as(job, _USER, args.platform), args.context.image(args.verify.image))
    job = manifests.with_arguments(job, *_arguments(args))
    job = manifests.with_resources(job, args.verify.resources)
    login = variables(args.existing_prometheus, NAME)
    if login:
        job = manifests.with_env(job, to_kubernetes_env(login))
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": job["metadata"],
        "spec": {
            "schedule": args.verify.schedule,
            "concurrencyPolicy": "Forbid",
            # Without it, a schedule that was missed a hundred times is never kept again.
            "startingDeadlineSeconds": 120,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": job["spec"]},
        },
    }


def _arguments(args: VerificationArgs) -> list[str]:
    probe = [] if args.verify.probe is None else ["--probe", args.verify.probe]
    return ["--stack", args.stack, "--publish", f"{args.namespace}/{NAME}", *probe]
