"""Exports as CRMs write them, and dictionaries as people write them: each trains, or is told why not."""

from pathlib import Path

import numpy as np
import pytest

from leadscore.dictionary import Dictionary
from leadscore.training.alarms import alarms_of_leads
from leadscore.training.cells import DataError
from leadscore.training.dataset import Dataset, load
from tests.conftest import CASES

AS_BASE = ""  # the same features and outcomes as of the plain export
TRAINS = {
    ("base.csv", "crm.toml"): AS_BASE,
    ("base.csv", "01_no_missing_key.toml"): AS_BASE,
    ("02_Description.csv", "02_Description_excluded.toml"): AS_BASE,
    ("02_Email.csv", "02_Email_excluded.toml"): AS_BASE,
    ("02_Email.csv", "02_Email_id.toml"): AS_BASE,
    ("02_Phone.csv", "02_Phone_excluded.toml"): AS_BASE,
    ("03_units.csv", "03_units.toml"): "900 leads of units",
    ("03_company_state.csv", "03_company_state.toml"): "900 leads of company, company_state",
    ("05_train_semicolon.csv", "crm.toml"): AS_BASE,
    ("05_train_thousands.csv", "crm.toml"): AS_BASE,
    ("06_train_pandas_index.csv", "crm.toml"): AS_BASE,
    ("06_train_sep_line.csv", "crm.toml"): AS_BASE,
    ("06_train_title_rows.csv", "crm.toml"): AS_BASE,
    ("13_multi.csv", "13_multi.toml"): "Touchpoints holds lists, and 920 combinations",
    ("13_multi_split.csv", "13_multi_split.toml"): "3000 leads of webinar, demo",
    ("base.csv", "14_int_labels.toml"): AS_BASE,
    ("base.csv", "14_no_clock.toml"): "900 leads of visits",
    ("14_target_case.csv", "14_target_case.toml"): AS_BASE,
    ("14_target_open.csv", "14_target_open.toml"): "715 leads of visits",
    ("16_leak.csv", "16_leak.toml"): "Leak: alone it reaches ROC-AUC 1.000",
    ("16_one_percent.csv", "16_one_percent.toml"): "6000 leads of visits",
}
REFUSED = {
    ("13_multi9.csv", "13_multi9.toml"): "lists have kind = 'list' and, here, separator = ';'",
    ("14_clock_de.csv", "14_clock_de.toml"): "in the dictionary, format = '%d.%m.%Y %H:%M' reads it",
    ("14_clock_us.csv", "14_clock_us.toml"): "in the dictionary, format = '%m/%d/%Y' reads it",
    ("14_target_stages.csv", "14_target_stages.toml"): "open lists the labels of leads",
}


def _load(cases: Path, names: tuple[str, str]) -> Dataset:
    data, dictionary = (cases / name for name in names)
    return load(data, Dictionary.load(dictionary))


@pytest.mark.parametrize(("names", "expected"), TRAINS.items(), ids=str)
def test_case_trains(cases: Path, names: tuple[str, str], expected: str) -> None:
    """As the plain export does, on the leads it holds, or with a warning that names the cause."""
    found = _load(cases, names)
    if expected == AS_BASE:
        base = load(CASES / "base.csv", Dictionary.load(CASES / "crm.toml"))
        assert found.features.equals(base.features)
        assert np.array_equal(found.target, base.target)
    elif " leads of " in expected:
        leads, columns = expected.split(" leads of ")
        assert len(found) == int(leads)
        assert set(columns.split(", ")) <= set(found.features)
    else:
        assert expected in " ".join(alarm.text for alarm in alarms_of_leads(found))


@pytest.mark.parametrize(("names", "expected"), REFUSED.items(), ids=str)
def test_case_is_refused_with_the_way_out(cases: Path, names: tuple[str, str], expected: str) -> None:
    """One sentence, which says what to write into the dictionary."""
    with pytest.raises(DataError) as caught:
        _load(cases, names)
    assert expected in str(caught.value)


def test_every_case_of_training_is_in_the_table(cases: Path) -> None:
    """A case that is added is looked at, too."""
    known = {name for pair in (*TRAINS, *REFUSED) for name in pair}
    there = {
        path.name for path in [*cases.glob("*.toml"), *cases.glob("*train*"), *cases.glob("1[346]_*")]
    }
    assert there <= known
