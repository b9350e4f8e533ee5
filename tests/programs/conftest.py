"""Tempo and the collector, built by the embedded cluster's toolchain."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from judges import TEMPO_RELEASES, Program

from local.build.tools import Toolbox
from local.progress import Progress

_VALIDATE = ("validate", "--config=file:{}")


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return Toolbox(tmp_path_factory.mktemp("logs"), Progress(), ["otelcol-full", "promtool"]).ensure()


@pytest.fixture(scope="session")
def tempo(programs: Mapping[str, Path]) -> Program:
    arguments = ("-config.file={}", "-config.verify=true", "-config.expand-env=true")
    return Program(
        programs["tempo"], arguments, f"grafana/tempo:{TEMPO_RELEASES[-1]}", "tempo.yaml", "CONFIGURATION WARNINGS"
    )


@pytest.fixture(scope="session")
def collector(programs: Mapping[str, Path]) -> Program:
    return Program(programs["otelcol"], _VALIDATE, "otel/opentelemetry-collector:0.148.0", "collector.yaml")


@pytest.fixture(scope="session")
def full_collector(programs: Mapping[str, Path]) -> Program:
    """The one with the connectors that make the service graph."""
    return Program(
        programs["otelcol-full"], _VALIDATE, "otel/opentelemetry-collector-contrib:0.152.0", "collector.yaml"
    )
