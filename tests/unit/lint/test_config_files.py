"""Configuration files that are mounted, or in the image, or not known to be missing."""

from collections.abc import Callable

import pytest
from cases.base import replaced
from cases.config_files import COLLECTOR, TEMPO

Codes = Callable[..., list[str]]

ARGS = "args: [-config.file=/conf/tempo.yaml]"


@pytest.mark.parametrize(
    ("args", "mount", "expected"),
    [
        ("args: [-config.file=/conf/tempo.yaml]", "/conf/", []),
        ("args: [-config.file=/conf/tempo.yaml]", "/conf/tempo.yaml", []),
        ("args: [-config.file=/conf/tempo.yaml]", "/", []),
        ("args: [-config.file=/conf/tempo.yaml]", "/con", ["error N31"]),
        ("args: [-config.file, /conf/tempo.yaml]", "/etc", ["error N31"]),
        ("command: [/tempo, --config.file=/conf/tempo.yaml]", "/etc", ["error N31"]),
        ("args: ['-config.file=${FOLDER}/tempo.yaml']", "/etc", []),
        ("args: [-target=all]", "/etc", []),
        ("args: [-config.file=tempo.yaml]", "/etc", []),
    ],
)
def test_a_file_is_there_if_it_or_a_folder_around_it_is_mounted(
    codes: Codes, args: str, mount: str, expected: list[str]
) -> None:
    assert codes(replaced(replaced(TEMPO, ARGS, args), "mountPath: /conf", f"mountPath: {mount}")) == expected


def test_a_file_of_the_image_and_of_somebody_elses_image_is_there(codes: Codes) -> None:
    unmounted = replaced(COLLECTOR, "          volumeMounts: [{name: conf, mountPath: /conf}]\n", "")
    assert codes(unmounted) == ["error N25"]
    assert codes(replaced(unmounted, "/conf/tempo.yaml", "/etc/otelcol-contrib/config.yaml")) == []
    assert codes(replaced(unmounted, "otel/opentelemetry-collector-contrib", "example.com/collector")) == []
    assert codes(replaced(unmounted, "--config=/conf/tempo.yaml", "--config=env:CONFIG")) == []


def test_a_patch_need_not_have_the_mounts(codes: Codes) -> None:
    wrong = replaced(TEMPO, "mountPath: /conf", "mountPath: /etc")
    assert codes(replaced(wrong, "  selector: {matchLabels: {app: tempo}}\n", "")) == []
