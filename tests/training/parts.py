"""A made-up export with lists, dates and e-mail addresses, and the dictionary of it."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from leadscore.dictionary import Dictionary
from leadscore.training.dataset import Dataset, load
from tests.conftest import CASES

TOML = (
    (CASES / "crm.toml")
    .read_text(encoding="utf-8")
    .replace(
        'role = "id"\nkind = "category"\nknown = "capture"\nclock = true',
        'role = "feature"\nkind = "date"\npart = ["weekday", "days until Close Date"]\n'
        'known = "capture"\nclock = true',
    )
    + """
[[column]]
name = "touch"
source = "Touchpoints"
role = "feature"
kind = "list"
known = "capture"

[[column]]
name = "mail"
source = "E-mail"
role = "feature"
kind = "email"
known = "capture"

[[column]]
name = "close_date"
source = "Close Date"
role = "feature"
kind = "date"
format = "%d.%m.%Y"
known = "capture"
"""
)
ENTRIES = ("Webinar", "Demo", "Price list")


def write(path: Path) -> Path:
    """The made-up export with lists that tell the outcome, an address for each lead, and a date that
    most have, sooner if they convert.
    """
    header, *rows = csv.reader((CASES / "base.csv").read_text(encoding="utf-8").splitlines())
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file).writerow
        write([*header, "Touchpoints", "E-mail", "Close Date"])
        for number, row in enumerate(rows):
            converted = int(row[header.index("Converted")])
            odds = (0.5, 0.2 + 0.6 * converted, 0.3)
            entries = [entry for entry, odd in zip(ENTRIES, odds, strict=True) if rng.random() < odd]
            domain = ("gmail.com", f"acme{number}.com")[number % 2]
            own = [f"Secret {number}"] if number % 50 == 0 else []
            created = datetime.fromisoformat(row[header.index("Created Date")])
            close = created + timedelta(days=int(rng.integers(0, 60 if converted else 90)))
            touch = ";".join(rng.permutation([*entries, *own]))
            write([*row, touch, f"lead{number}@{domain}", f"{close:%d.%m.%Y}" if number % 9 else ""])
    return path


def read(folder: Path) -> Dataset:
    """The leads, written to a folder and read as training reads them."""
    (folder / "columns.toml").write_text(TOML, encoding="utf-8")
    return load(write(folder / "leads.csv"), Dictionary.load(folder / "columns.toml"))
