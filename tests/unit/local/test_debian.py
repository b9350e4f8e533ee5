"""Where Debian's packages come from, and which versions of them are accepted."""

from pathlib import Path

import pytest

from local.build import debian
from local.errors import LocalError

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/keyrings/some.gpg] http://mirror.example/debian/ bookworm main contrib #
deb http://security.example/debian-security bookworm-security main
"""

STANZAS = """\
# A comment before the stanza
Types: deb deb-src
# URIs: http://commented.example/debian
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keyrings/some.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
"""

DEBIAN = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
"""

RUNC = debian.Package("runc", "1.1", {"runc": "usr/sbin/runc"})


def test_the_one_line_format_is_read() -> None:
    first, second = debian.parse_list(ONE_LINE)

    assert first == debian.Source(
        "http://mirror.example/debian",
        "bookworm",
        ("main", "contrib"),
        "/keyrings/some.gpg",
    )
    assert (second.suite, second.keyring) == ("bookworm-security", None)


def test_every_uri_and_suite_of_a_stanza_is_a_source() -> None:
    found = [(source.uri, source.suite) for source in debian.parse_deb822(STANZAS)]

    assert found[:4] == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/debian", "bookworm-updates"),
        ("http://second.example/debian", "bookworm"),
        ("http://second.example/debian", "bookworm-updates"),
    ]


def test_a_disabled_stanza_is_left_out() -> None:
    assert all("disabled" not in source.uri for source in debian.parse_deb822(STANZAS))


def test_a_key_within_the_configuration_is_not_taken_for_a_file() -> None:
    inline = debian.parse_deb822(STANZAS)[-1]

    assert (inline.uri, inline.keyring) == ("http://inline.example/debian", None)


def test_the_base_system_comes_from_the_suite_itself() -> None:
    sources = [
        debian.Source("http://a.example", "bookworm-security", ("main",)),
        debian.Source("cdrom:[disc]/", "bookworm", ("main",)),
        debian.Source("http://b.example", "bookworm", ("contrib",)),
        debian.Source("http://c.example", "bookworm", ("main",)),
    ]

    assert debian.base_source(sources, "bookworm").uri == "http://c.example"


def test_a_machine_without_the_suites_archive_is_told_what_to_add() -> None:
    with pytest.raises(LocalError, match="names no archive with bookworm main"):
        debian.base_source([], "bookworm")


def test_the_suite_is_the_machines_code_name() -> None:
    assert debian.suite(DEBIAN) == "bookworm"


def test_ubuntu_and_what_derives_from_it_are_accepted() -> None:
    mint = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=zara\nUBUNTU_CODENAME=noble\n'

    assert debian.suite(mint) == "noble"


def test_another_system_is_refused_by_name() -> None:
    with pytest.raises(LocalError, match=r"Fedora Linux 43.*Debian or Ubuntu"):
        debian.suite('PRETTY_NAME="Fedora Linux 43"\nID=fedora\n')


@pytest.mark.parametrize(
    ("version", "series"),
    [
        ("1.6.20~ds1-1+deb12u3", "1.6"),
        ("1:1.1.5+ds1-1", "1.1"),
        ("1%3a1.1.5+ds1-1", "1.1"),
        ("2.42.0+ds-5+deb12u1", "2.42"),
        ("20230311", None),
    ],
)
def test_the_series_is_read_from_a_debian_version(version: str, series: str | None) -> None:
    assert debian.upstream_series(version) == series


def test_the_pinned_series_is_accepted() -> None:
    debian.check_series(RUNC, "1.1.5+ds1-1+deb12u1")


@pytest.mark.parametrize("version", ["1.2.0-1", "1.10.1-1", "2.1.1-1"])
def test_an_unknown_series_is_refused_with_the_file_that_pins_it(version: str) -> None:
    with pytest.raises(LocalError, match=r"tried with 1\.1: .*debian\.toml"):
        debian.check_series(RUNC, version)


def test_an_unpacked_package_of_the_pinned_series_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "runc_1.0.9-1").mkdir()
    fitting = tmp_path / "runc_1.1.5+ds1-1"
    fitting.mkdir()
    (tmp_path / "runc-extras_1.1.5").mkdir()

    assert debian.fitting_folder(RUNC, tmp_path) == fitting


def test_nothing_is_found_in_an_empty_cache(tmp_path: Path) -> None:
    assert debian.fitting_folder(RUNC, tmp_path) is None


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (apt)",
            "another program holds apt's lock",
        ),
        (
            "E: Failed to fetch http://mirror.example/a.deb  Could not connect to mirror.example",
            "the Debian mirror does not answer",
        ),
        ("E: Failed getting release file http://mirror.example/", "mirror does not answer"),
        ("E: Unable to correct problems, you have held broken packages.", "see /logs/debian.log"),
        ("", "no output"),
    ],
)
def test_a_failure_of_apt_is_explained_in_one_line(output: str, reason: str) -> None:
    said = debian.explain("apt-get install failed", output, Path("/logs/debian.log"))

    assert reason in said
    assert "\n" not in said


def test_a_machine_that_has_every_command_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian, "_on_path", lambda _: True)
    monkeypatch.setattr(debian, "_run", lambda *_: pytest.fail("apt was called"))

    debian.ensure_commands(debian.Progress(), tmp_path)
