"""The examples in docstrings."""

import doctest
from importlib import import_module

import pytest

from tests.conftest import ROOT

EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.glob("leadscore/**/*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", EXAMPLES)
def test_docstrings_show_what_comes_out(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of a docstring prints what stands under it."""
    monkeypatch.chdir(ROOT)
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
