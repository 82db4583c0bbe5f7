"""Keys: who is let in, and how keys change."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadscore.service.middleware.keys import OPEN, Keys
from leadscore.settings import Settings, SettingsError
from tests.conftest import Command, Serve, Server


@pytest.fixture(scope="module")
def guarded(serve: Serve) -> Iterator[Server]:
    """A service with two keys."""
    with serve(LEADSCORE_API_KEYS="first-key, second-key") as server:
        yield server


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "first-key"},
        {"authorization": "Basic first-key"},
        {"x-api-key": ""},
        {"x-api-key": "first-key, second-key"},
        {"x-api-key": "first-ke"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict"),
        ("POST", "/predict/batch"),
        ("POST", "/model/reload"),
        ("POST", "/v2/models/lead_conversion/infer"),
        ("GET", "/model"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
        ("GET", "/health/"),
    ],
)
def test_without_a_key_nothing_is_told(
    guarded: Server, headers: dict[str, str], method: str, path: str
) -> None:
    """401 and nothing else, whether the path exists or not."""
    answer = guarded.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer first-key"},
        {"authorization": "bearer second-key"},
        {"x-api-key": "second-key"},
    ],
    ids=str,
)
def test_every_key_opens_in_both_headers(guarded: Server, headers: dict[str, str]) -> None:
    """Two keys are valid at once, so that one can replace the other."""
    assert guarded.post("/predict", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("accepted", ["authorization", "x-api-key"])
@pytest.mark.parametrize("order", [1, -1])
def test_one_accepted_key_of_two_opens(guarded: Server, accepted: str, order: int) -> None:
    """A proxy may add a header of its own: whichever holds the key counts, in either order."""
    headers = {"authorization": "Bearer of-the-proxy", "x-api-key": "of-the-proxy"}
    headers[accepted] = headers[accepted].replace("of-the-proxy", "first-key")
    answer = guarded.post("/predict", json={}, headers=list(headers.items())[::order])
    assert answer.status_code == 200


@pytest.mark.parametrize("path", sorted(OPEN))
def test_probes_and_the_page_need_no_key(guarded: Server, path: str) -> None:
    """What orchestrators and people ask for first is open."""
    assert guarded.get(path).status_code != 401


def test_without_keys_the_service_says_so(client: Server) -> None:
    """Open by default, loudly."""
    loud = [line for line in client.lines() if "NO API KEYS" in line["message"]]
    assert [line["level"] for line in loud] == ["warning"]


def test_changed_file_of_keys_counts_at_once(tmp_path: Path) -> None:
    """Keys are added and withdrawn without a restart; a file without keys changes nothing."""
    path, now = tmp_path / "keys", [0.0]
    path.write_text("# of the CRM\none\n\ntwo\n")
    keys = Keys(Settings(api_keys=("given",), api_keys_file=path), clock=lambda: now[0])

    def accepted(key: str) -> bool:
        now[0] += 2
        return keys.accepts([(b"x-api-key", key.encode())])

    assert [accepted(key) for key in ("one", "two", "given", "three", "# of the CRM")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    path.write_text("three\n")
    assert [accepted(key) for key in ("one", "given", "three")] == [False, True, True]
    for content in (b"", b"# none\n", b"\xff\xfe"):
        path.write_bytes(content)
        assert accepted("three")
    path.unlink()
    assert accepted("three")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(require_key=True), "LEADSCORE_REQUIRE_KEY: set, but neither"),
        (Settings(api_keys_file=Path("no_such")), "LEADSCORE_API_KEYS_FILE: No such file"),
    ],
)
def test_service_that_must_be_closed_does_not_open(settings: Settings, message: str) -> None:
    """A mistake in the configuration never leaves the service open."""
    with pytest.raises(SettingsError, match=message):
        Keys(settings)


def test_file_without_keys_does_not_start(tmp_path: Path) -> None:
    """An empty file is a mistake, not an open service."""
    (tmp_path / "keys").write_text("\n")
    with pytest.raises(SettingsError, match="holds no key"):
        Keys(Settings(api_keys_file=tmp_path / "keys"))


def test_keys_are_nowhere_to_be_read(command: Command) -> None:
    """Not in the settings' representation, which may be logged, and no flag takes them."""
    assert "secret" not in repr(Settings(api_keys=("secret",)))
    shown = command("--help").out.decode()
    assert "--api-keys-file " in shown
    assert "--api-keys " not in shown
    refused = command("--api-keys=secret")
    assert refused.code == 2
    assert "unrecognized arguments: --api-keys" in refused.err


def test_pipe_in_place_of_a_key_file_is_refused(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    pipe = tmp_path / "keys"
    os.mkfifo(pipe)
    with pytest.raises(SettingsError, match="expected a file"):
        Keys(Settings(api_keys_file=pipe))
