"""Room for what a file needs is taken before an answer begins."""

import resource
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException

from leadscore.service.routes.route import IN_MEMORY
from leadscore.service.routes.upload import reserved


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond twice what is held in memory."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * IN_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_file_without_room_is_refused_before_it_is_written() -> None:
    """What does not fit is a 507; what fits has its room before a byte is written to it."""
    with pytest.raises(HTTPException) as refused:
        reserved(2 * IN_MEMORY + 1)
    assert refused.value.status_code == 507
    with reserved(2 * IN_MEMORY) as file:
        assert file.seek(0, 2) == 2 * IN_MEMORY
        file.seek(0)
        file.write(b"first")


def test_little_takes_no_room_on_disk() -> None:
    """A small ranking waits in memory."""
    with reserved(IN_MEMORY) as file, pytest.raises(OSError, match="fileno"):
        file.fileno()
