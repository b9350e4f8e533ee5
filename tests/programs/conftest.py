"""Tempo and the collector, built by the embedded cluster's toolchain."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from judges import TEMPO_RELEASES, Program

from local.build.tools import Toolbox
from local.progress import Progress


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return Toolbox(tmp_path_factory.mktemp("logs"), Progress()).ensure()


@pytest.fixture(scope="session")
def tempo(programs: Mapping[str, Path]) -> Program:
    arguments = ("-config.file={}", "-config.verify=true", "-config.expand-env=true")
    return Program(
        programs["tempo"], arguments, f"grafana/tempo:{TEMPO_RELEASES[-1]}", "tempo.yaml", "CONFIGURATION WARNINGS"
    )


@pytest.fixture(scope="session")
def collector(programs: Mapping[str, Path]) -> Program:
    arguments = ("validate", "--config=file:{}")
    return Program(programs["otelcol"], arguments, "otel/opentelemetry-collector:0.148.0", "collector.yaml")
