"""Imports go one way: nothing that serves needs what trains, and no folder knows one above it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MODEL, PYTHON, ROOT

SHARED = {"__init__", "bins", "card", "columns", "dictionary", "files", "matching", "names", "proof"}
SHARED |= {"blocks", "parts", "scorer", "settings", "values"}
MAY_IMPORT = {
    "shared": set(),
    "scoring": {"shared"},
    "tables": {"shared", "scoring"},
    # A worker process of the service starts as the command does.
    "service": {"shared", "scoring", "tables", "commands"},
    "commands": {"shared", "scoring", "tables", "service"},
    "__main__": {"commands"},
    "training": {"shared", "scoring", "tables"},
}
WEB = {"fastapi", "httptools", "prometheus_client", "pydantic", "pydantic_core", "starlette", "uvicorn"}
LIBRARIES = {
    "shared": {"numpy", "onnxruntime"},
    "scoring": {"numpy"},
    "tables": {"numpy"},
    "service": {"numpy", *WEB},
    "commands": set(),
    "__main__": set(),
}
OPTIONAL = {  # for tables that are no CSV
    "tables/arrow.py": {"pyarrow"},
    "tables/parquet.py": {"pyarrow"},
    "tables/spark.py": {"pyarrow", "pyspark"},
    "tables/workbook.py": {"xlsxwriter"},
    "tables/worksheet.py": {"python_calamine"},
}
TRAINING_ONLY = (
    *("joblib", "matplotlib", "onnx", "onnxmltools", "pandas", "rich", "scipy", "skl2onnx", "sklearn"),
    "xgboost",
)
PACKAGE = ROOT / "leadscore"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def _part(name: str) -> str:
    """The part of the package a module belongs to; `name`: its first name below leadscore."""
    return "shared" if name in SHARED else name


def _imported(module: str) -> Iterator[str]:
    """The dotted names of everything a module imports, wherever in it that stands."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "an import that does not say from where"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    """Shared <- scoring <- tables <- service; training stands on the shared part alone."""
    part = _part(module.partition("/")[0].removesuffix(".py"))
    for name in _imported(module):
        package, _, rest = name.partition(".")
        if package == "leadscore":
            first = rest.partition(".")[0]
            there = (PACKAGE / first).exists() or (PACKAGE / f"{first}.py").exists()
            other = _part(first) if there else "shared"  # a name of leadscore/__init__.py
            assert other in {part, *MAY_IMPORT[part]}, f"{module} imports {name}"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("training/")])
def test_what_serves_imports_few_libraries(module: str) -> None:
    """No library beside those of its part, and none at all that only training needs."""
    part = _part(module.partition("/")[0].removesuffix(".py"))
    known = {*LIBRARIES[part], *OPTIONAL.get(module, ()), "leadscore", *sys.stdlib_module_names}
    found = {name.partition(".")[0] for name in _imported(module)}
    assert found <= known
    assert not found & {*TRAINING_ONLY}


@pytest.mark.parametrize("folder", sorted({str(Path(module).parent) for module in MODULES}))
def test_every_folder_says_what_it_is_for(folder: str) -> None:
    """A reader finds a sentence at each door."""
    text = (PACKAGE / folder / "__init__.py").read_text(encoding="utf-8")
    assert (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].endswith(".")


def _run(program: str, content: str = "") -> str:
    command = [PYTHON, "-c", program]
    done = subprocess.run(
        command, cwd=ROOT, input=content, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _without(libraries: tuple[str, ...]) -> str:
    """The start of a program in which these libraries cannot be imported."""
    return f"import sys\nsys.modules.update(dict.fromkeys({libraries}))\n"


def test_scoring_needs_nothing_of_what_trained() -> None:
    """A lead is scored, and the service made, where no training library can be imported."""
    program = _without(TRAINING_ONLY) + (
        "from pathlib import Path\n"
        "from leadscore.scorer import Scorer\n"
        f"scorer = Scorer(Path({str(MODEL)!r}))\n"
        "print(scorer.run(scorer.inputs([{'total_visits': 5}]))[0][0])\n"
        "import predict; predict.app\n"
    )
    assert 0 < float(_run(program).splitlines()[0]) < 1


@pytest.mark.parametrize("command", ["score --partial", "explain"])
def test_terminal_needs_nothing_of_the_service(command: str) -> None:
    """`score`, which each of its workers imports, too, and `explain` start without those libraries."""
    program = _without((*sorted(WEB), *TRAINING_ONLY)) + (
        f"from leadscore.__main__ import main\nmain([*'{command}'.split(), '-'])\n"
    )
    content = "City\nMumbai\n" if command.startswith("score") else '{"city": "Mumbai"}'
    assert "Mumbai" in _run(program, content)
