"""The recipes for CRMs, as programs, against the real service and servers like the vendors'."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from leadscore.scorer import Scorer
from tests.conftest import ROOT, Serve, Server
from tests.deploy.crm.vendors import TOKEN, Dynamics, HubSpot, Salesforce, Vendor, serving

CRMS = {
    "hubspot": (HubSpot, "country", "leadscore_score"),
    "salesforce": (Salesforce, "Country", "Leadscore_Score__c"),
    "dynamics": (Dynamics, "address1_country", "msdyn_score"),
}
LEADS = 230
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def service(serve: Serve) -> Iterator[Server]:
    """The service, with a key."""
    with serve(LEADSCORE_API_KEYS="key") as server:
        yield server


@pytest.fixture(params=CRMS)
def name(request: pytest.FixtureRequest) -> str:
    """Each recipe."""
    return str(request.param)


@pytest.fixture
def vendor(name: str) -> Vendor:
    """A CRM with leads on several pages."""
    kind, country, _ = CRMS[name]
    return kind([{country: "India" if number % 2 else None} for number in range(LEADS)])


@pytest.fixture
def run(name: str, vendor: Vendor, service: Server) -> Iterator[Run]:
    """Runs the recipe."""
    with serving(vendor) as address:

        def command(*options: str) -> subprocess.CompletedProcess[str]:
            vendors = {f"{name.upper()}_URL": address, f"{name.upper()}_TOKEN": TOKEN}
            ours = {"LEADSCORE_URL": str(service.base_url), "LEADSCORE_KEY": "key"}
            return subprocess.run(
                [sys.executable, ROOT / "deploy" / "crm" / f"{name}.py", *options],
                env={**os.environ, **vendors, **ours},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        yield command


def test_every_lead_is_scored_once(run: Run, vendor: Vendor, name: str, scorer: Scorer) -> None:
    """Over all pages, whatever fails on the way; a second run finds nothing to do."""
    vendor.faults = [429, 503]
    done = run()
    assert done.returncode == 0, done.stderr
    assert f"{LEADS} leads scored by model {scorer.card.version}, 0 problems" in done.stderr
    found = {int(row[CRMS[name][2]]) for row in vendor.scores.values()}
    probability, _ = scorer.run(scorer.inputs([{"country": "India"}, {}]))
    assert (len(vendor.scores), found) == (LEADS, {round(100 * float(p)) for p in probability})
    assert all(scorer.card.version in str(row) for row in vendor.scores.values())
    vendor.writes = 0
    again = run()
    assert (again.returncode, vendor.writes) == (0, 0), again.stderr


def test_dry_run_writes_nothing(run: Run, vendor: Vendor) -> None:
    """It prints what would be written."""
    done = run("--dry-run")
    assert (done.returncode, vendor.writes) == (0, 0), done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == LEADS
    assert lines[0].startswith("L0\t")


def test_what_cannot_be_scored_or_written_is_told(run: Run, vendor: Vendor, name: str) -> None:
    """By its id, without holding up the others; the exit code says that there is something to do."""
    vendor.leads["L1"][CRMS[name][1]] = "x" * 2000
    vendor.refused = {"L2"}
    done = run()
    assert done.returncode == 1
    assert "L1 not scored: " in done.stderr
    assert "L2" in done.stderr
    assert len(vendor.scores) == LEADS - 2
    assert f"{LEADS - 1} leads scored" in done.stderr


def test_wrong_token_ends_at_once(run: Run, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot get better is not tried again."""
    monkeypatch.setattr("tests.deploy.crm.vendors.TOKEN", "another")
    done = run()
    assert done.returncode == 1
    assert "401" in done.stderr
    assert vendor.writes == 0
