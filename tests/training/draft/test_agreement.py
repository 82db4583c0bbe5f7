"""The draft against dictionaries that people wrote, on the four public data sets they wrote them for."""

import csv
from pathlib import Path

import pytest

from leadscore.dictionary import Dictionary
from leadscore.training.draft.audit import draft
from tests.conftest import TWIN

Expected = dict[str, tuple[str, str]]
"""Column -> what becomes of it (as `Proposal.use` says), and its kind."""

LATER = {"engaged", "contacted", "excluded"}  # of no use to a model of new leads


def _columns(kinds: dict[tuple[str, str], str]) -> Expected:
    return {name: key for key, names in kinds.items() for name in names.split(", ")}


TELCO = _columns(
    {
        ("id", "category"): "customerID",
        ("target", "category"): "Churn",
        ("feature", "number"): "tenure, MonthlyCharges, TotalCharges",
        ("feature", "category"): (
            "gender, SeniorCitizen, Partner, Dependents, PhoneService, MultipleLines, InternetService, "
            "OnlineSecurity, OnlineBackup, DeviceProtection, TechSupport, StreamingTV, StreamingMovies, "
            "Contract, PaperlessBilling, PaymentMethod"
        ),
    }
)
EXTRAALEARN = _columns(
    {
        ("id", "category"): "ID",
        ("target", "category"): "status",
        ("feature", "number"): "age, website_visits, time_spent_on_website, page_views_per_visit",
        ("feature", "category"): (
            "current_occupation, first_interaction, profile_completed, last_activity, "
            "print_media_type1, print_media_type2, digital_media, educational_channels, referral"
        ),
    }
)
OLIST = _columns(
    {
        ("id", "category"): "mql_id",
        ("id", "date"): "first_contact_date",
        ("target", "category"): "closed",
        ("feature", "category"): "landing_page_id, origin",
        ("excluded", "category"): "seller_id",
        ("excluded", "date"): "won_date",
        ("contacted", "category"): (
            "sdr_id, sr_id, business_segment, lead_type, lead_behaviour_profile, has_company, has_gtin, "
            "average_stock, business_type"
        ),
        ("contacted", "number"): "declared_product_catalog_size, declared_monthly_revenue",
    }
)


def _drafted(path: Path, target: str, positive: str, clock: str | None = None) -> Expected:
    found = draft(path, target, [positive], [], clock)
    return {column.source: (column.use, column.kind) for column in found.proposals}


def _other(original_csv: Path, name: str) -> Path:
    if not (path := original_csv.parent / "others" / name).exists():
        pytest.skip(f"{name} is not in this repository, nor beside the Kaggle original")
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("clock", [None, "Lead Number"])
def test_draft_of_the_original_is_the_dictionary(
    original_csv: Path, dictionary: Dictionary, clock: str | None
) -> None:
    """All 37 columns: each leak found by its figures, nothing useful left out, the clock found, too."""
    expected = {}
    for column in dictionary.columns:
        use = column.role if column.role != "feature" else column.known.replace("capture", "feature")
        expected[column.source] = (use, column.kind)
    assert _drafted(original_csv, "Converted", "1", clock) == expected


def test_customers_of_a_telephone_company(original_csv: Path) -> None:
    """A column of 0 and 1 is no number, and strong columns that are known in time are kept."""
    assert _drafted(_other(original_csv, "telco.csv"), "Churn", "Yes") == TELCO


def test_leads_of_a_course_seller(original_csv: Path) -> None:
    """A name like last_activity alone leaves no column out."""
    assert _drafted(_other(original_csv, "extraalearn.csv"), "status", "1") == EXTRAALEARN


def test_leads_joined_with_what_became_of_them(original_csv: Path, tmp_path: Path) -> None:
    """Columns that only buyers have are found, also where hardly any buyer has them."""
    leads, closed = (_rows(_other(original_csv, f"olist_{part}.csv")) for part in ("mql", "closed"))
    deals = {deal["mql_id"]: deal for deal in closed}
    path = tmp_path / "olist.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*leads[0], *list(closed[0])[1:], "closed"])
        writer.writeheader()
        for lead in leads:
            known = "yes" if lead["mql_id"] in deals else "no"
            writer.writerow({**deals.get(lead["mql_id"], {}), **lead, "closed": known})
    assert _drafted(path, "closed", "yes") == OLIST


def test_the_shipped_twin_is_drafted_like_its_original(dictionary: Dictionary, tmp_path: Path) -> None:
    """What the twin has of the original's leaks is found in it."""
    found = _drafted(TWIN, "Converted", "1")
    later = {c.source for c in dictionary.columns if c.role == "feature" and c.known != "capture"}
    assert {name for name in later if found[name][0] not in LATER} <= {"Lead Profile"}
