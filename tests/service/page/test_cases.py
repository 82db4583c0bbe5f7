"""Files as CRMs and spreadsheets write them, on the page: scored as by command, or refused in words."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import expect

from tests.conftest import CASES, TWIN, Command, Serve
from tests.service.page.conftest import Open, upload
from tests.test_spellings import SPELLINGS

TABLE = {
    "04_blank_rows.csv": "5 blank rows",
    "04_salesforce_footer.csv": "1 blank row, 1 row of totals, 1 line below the leads",
    "04_total_row.csv": "1 row of totals",
    "05_semicolon_decimal_comma.csv": "",
    "06_gzipped.csv": "",
    "06_leads.xlsx": "1 row of totals",
    "06_sep_line.csv": "",
    "06_title_rows.csv": "1 line above the header",
    "07_lower_case_header.csv": "",
    "08_boolean_spellings.csv": "",
}


@pytest.fixture(scope="module")
def base(serve: Serve, crm: Path) -> Iterator[str]:
    """Where the model is served that the cases are for."""
    with serve(LEADSCORE_MODEL=str(crm)) as client:
        yield str(client.base_url).rstrip("/")


def _scored(visit: Open, base: str, path: Path, closed: bool = False) -> tuple[list[float], str]:
    """The probabilities of a file, the best first, as the page exports them, and what it says of the
    file.
    """
    page = visit("file", base=base)
    upload(page, path, closed)
    page.locator(".mapping summary").click()
    told = page.locator(".mapping").inner_text()
    page.get_by_role("button", name="Export…").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    return _probabilities(Path(download.value.path()).read_bytes()), told


def _probabilities(content: bytes) -> list[float]:
    text = content.decode("utf-8-sig")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [float(row["probability"]) for row in rows]


@pytest.mark.parametrize(("name", "left_out"), TABLE.items())
def test_case_is_scored_as_by_command(
    visit: Open, command: Command, crm: Path, base: str, name: str, left_out: str
) -> None:
    """The same leads with the same scores; what was left out is told."""
    found, told = _scored(visit, base, CASES / name)
    done = command("score", str(CASES / name), "--sort", LEADSCORE_MODEL=str(crm))
    assert found == _probabilities(done.out)
    assert left_out in told
    assert ("Rows left out" in told) == bool(left_out)


def test_parquet_is_refused_with_the_way_out(visit: Open, base: str) -> None:
    """The page cannot read it, the command can."""
    page = visit("file", base=base)
    page.set_input_files("#file-input", CASES / "07_few_columns.parquet")
    expect(page.locator(".problem")).to_contain_text("this is Parquet: give the file to")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first shipped leads."""
    path = tmp_path_factory.mktemp("plain") / "leads.csv"
    path.write_bytes(b"\n".join(TWIN.read_bytes().splitlines()[:201]) + b"\n")
    return path


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_header_in_another_spelling_scores_the_same(
    visit: Open, command: Command, client: httpx2.Client, plain: Path, tmp_path: Path, spelling: str
) -> None:
    """To the last bit of what is written, with the shipped model."""
    header, _, leads = plain.read_text(encoding="utf-8").partition("\n")
    spelled = ",".join(map(SPELLINGS[spelling], header.split(",")))
    (tmp_path / "leads.csv").write_text(f"{spelled}\n{leads}", encoding="utf-8")
    base = str(client.base_url).rstrip("/")
    found, _ = _scored(visit, base, tmp_path / "leads.csv", closed=True)
    assert found == _probabilities(command("score", str(plain), "--sort").out)
