"""The format of an answer, by the name of its file: .csv, .csv.gz, .xlsx or .parquet."""

import contextlib
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from leadscore.tables import workbook
from leadscore.tables.mapping import TableError
from leadscore.tables.streams import STANDARD

PARQUET: Final = ".parquet"
OF_CSV: Final = (".csv", ".csv.gz", ".xlsx")
FORMATS: Final = (*OF_CSV, PARQUET)


def check(source: str, name: str, formats: tuple[str, ...] = FORMATS) -> None:
    """TableError for an output in none of the formats, or one that would replace the leads."""
    if name == STANDARD:
        return
    path = Path(name)
    if path.exists() and not path.is_file():
        return  # a pipe or a device
    if not name.lower().endswith(formats):
        raise TableError(f"cannot write {name!r}: the name should end in {', '.join(formats)}")
    if name.lower().endswith(".xlsx"):
        workbook.library()
    if source != STANDARD and path.exists() and Path(source).exists() and path.samefile(source):
        raise TableError("the answer would replace the leads: give the output another name")


@contextlib.contextmanager
def packed(stream: BinaryIO, name: str, delimiter: str) -> Iterator[BinaryIO]:
    """Where to write an answer as CSV, which goes to `stream` in the format that the name says."""
    if name.lower().endswith(".gz"):
        with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as answers:
            yield cast(BinaryIO, answers)
    elif name.lower().endswith(".xlsx"):
        with tempfile.TemporaryFile() as answers:
            yield answers
            answers.seek(0)
            workbook.write(answers, delimiter, stream)
    else:
        yield stream
