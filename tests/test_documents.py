"""The documents: each example is run, or named here with what runs it; what they point to is there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from leadscore.dictionary import Dictionary
from tests.conftest import CASES, PYTHON, ROOT, Serve, Server, without_settings

PAGES = sorted(
    page
    for pattern in (
        "*.md",
        ".github/**/*.md",
        "benchmarks/*.md",
        "data/*.md",
        "docs/**/*.md",
        "models/*.md",
    )
    for page in ROOT.glob(pattern)
)
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# The start of a command that is not run here -> why, or what runs it.
ELSEWHERE = {
    "make": "each is a step of .ci/run, or needs a person; that they exist is tested below",
    "docker": "tests/deploy/test_image.py builds and runs the image",
    "kubectl": "needs a cluster; tests/deploy/test_manifests.py holds the files against the schemas",
    "gcloud": "needs an account; the same test",
    "spark-submit": "test_spark.py of tests/tables/ and tests/training/ submits to a cluster of two",
    ". .venv-spark/bin/activate": "the same tests",
    "jupyter": "tests/test_notebook.py runs the notebook",
    "pip install kaggle": "needs an account",
    "kaggle": "needs an account",
    "openapi-python-client": "tests/contract/test_contract.py",
    "npx": "tests/contract/test_contract.py",
    "python data/synthesize.py": "needs the Kaggle file: tests/test_synthesize.py",
    "python export_onnx.py": "needs what training saves: tests/test_export_onnx.py",
    "python train.py": "half a minute each: tests/test_train.py, and those of own leads below",
}
OWN_LEADS = "crm.csv", "models/crm/"  # in commands that follow on each other


class Command(NamedTuple):
    """A command of a shell, as it stands in a document."""

    page: str
    text: str

    @property
    def elsewhere(self) -> bool:
        """Whether it is not run for itself."""
        return self.text.startswith(tuple(ELSEWHERE)) or any(part in self.text for part in OWN_LEADS)


def _blocks(*languages: str) -> Iterator[tuple[str, str]]:
    for page, text in TEXTS.items():
        for language, block in BLOCK.findall(text):
            if language in languages:
                yield str(page.relative_to(ROOT)), block


def _commands() -> Iterator[Command]:
    for page, block in _blocks("sh", "bash"):
        begun = ""
        for line in block.splitlines(keepends=True):
            begun += line
            try:
                words = shlex.split(begun, comments=True)
            except ValueError:  # a quotation goes on
                continue
            if not line.endswith("\\\n"):
                if words:
                    yield Command(page, begun.strip())
                begun = ""


COMMANDS = list(_commands())
SERVES = re.compile(r"python predict\.py( --\S+ \S+)*\s*(#.*)?")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the documents' reader has: the project, and the files that the examples call by a name."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("data", "models", "leadscore"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for script in ROOT.glob("*.py"):
        shutil.copy(script, folder)
    shutil.copy(ROOT / "data" / "leads.csv", folder)
    shutil.copy(ROOT / "models" / "lead_conversion.onnx", folder)
    header, *leads = (CASES / "base.csv").read_text(encoding="utf-8").splitlines()
    closed = [re.sub("[01]$", lambda label: ["Lost", "Won"][int(label[0])], lead) for lead in leads]
    for name, rows in (("crm.csv", closed[:-300]), ("outcomes.csv", closed[-300:])):
        table = [header.replace("Converted", "Status"), *rows]
        (folder / name).write_text("\n".join(table) + "\n", encoding="utf-8")
    _run("python predict.py score leads.csv -o scored-yesterday.csv", folder)
    return folder


def _run(command: str, folder: Path) -> str:
    """Run a command of the documents with bash; returns what it prints."""
    programs = f"{Path(PYTHON).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**without_settings(), "PATH": programs, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if not c.elsewhere], ids=lambda c: f"{c.page}: {c.text[:60]}"
)
def test_command_works_as_it_stands(
    command: Command, checkout: Path, client: Server, serve: Serve
) -> None:
    """A reader who copies a command into a shell gets what the document promises, and no error."""
    if SERVES.fullmatch(command.text):
        _, *words = shlex.split(command.text, comments=True)
        with serve(
            *(str(checkout / w) if (checkout / w).is_file() else w for w in words), "--port", "0"
        ):
            return
    address = str(client.base_url).removeprefix("http://").rstrip("/")
    asked = command.text.replace("localhost:8000", address).replace("curl -s ", "curl -s --fail ")
    _run(asked, checkout)


@pytest.mark.slow
def test_own_leads_from_the_export_to_the_verdict(checkout: Path, serve: Serve) -> None:
    """The commands of docs/own-leads.md and README.md on a CRM's export, one after the other."""
    commands = [c for c in COMMANDS if any(part in c.text for part in OWN_LEADS)]
    drafted, trained, served, evaluated = (c.text for c in commands if c.page == "docs/own-leads.md")
    for command in (drafted, trained):
        _run(command, checkout)
    assert (checkout / "audit.html").exists()
    with serve(
        "predict.py", "--port", "0", "--model", str(checkout / shlex.split(served)[-1])
    ) as client:
        assert client.post("/predict", json={}).status_code == 200
    _run(f"{evaluated} || [ $? = 4 ]", checkout)
    assert json.loads((checkout / "figures.json").read_text())["holds"] is not None


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.text.startswith("python ")], ids=str)
def test_options_of_a_command_exist(command: Command) -> None:
    """Those that take long, or need the Kaggle file, have no option that is not there."""
    words = shlex.split(command.text, comments=True)
    if not words[1].endswith(".py"):
        return
    options = {word for word in words if word.startswith("-") and word != "-"}
    if options:
        place = [*words[1:2], *(w for w in words[2:3] if w in ("draft", "evaluate", "score", "explain"))]
        shown = subprocess.run(
            [PYTHON, *place, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert options <= set(re.findall(r"--?[a-z][\w-]*", shown))


@pytest.mark.parametrize("block", [block for _, block in _blocks("python")])
def test_python_example_runs(block: str, checkout: Path) -> None:
    """It prints an answer."""
    (checkout / "example.py").write_text(block, encoding="utf-8")
    assert "0." in _run("python example.py", checkout)


@pytest.mark.parametrize("block", [block for _, block in _blocks("toml")])
def test_dictionary_shown_can_be_read(block: str) -> None:
    """It is one, at each of its moments."""
    dictionary = Dictionary.from_dict(tomllib.loads(block))
    for moment in dictionary.moments:
        assert dictionary.known_at(moment).features


def test_no_example_is_left_out() -> None:
    """A block names its language, and there is a test for it; JSON is compared in test_readme.py."""
    found = {language for text in TEXTS.values() for language, _ in BLOCK.findall(text)}
    assert found <= {"sh", "bash", "python", "toml", "json"}


def test_what_is_run_elsewhere_is_still_shown() -> None:
    """The list of exceptions holds nothing that no document has, and points to tests that are there."""
    for start, why in ELSEWHERE.items():
        assert any(command.text.startswith(start) for command in COMMANDS), start
        for test in re.findall(r"tests/[\w/]+\.py", why):
            assert (ROOT / test).exists(), test


def test_targets_and_modules_named_exist() -> None:
    """`make` knows every target that a document names, Python every module of benchmarks/ and docs/."""
    rules = re.findall(
        r"^([\w./%{},-][\w./%{}, -]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    targets = {target for rule in rules for target in rule.split()}
    for page, text in TEXTS.items():
        code = "\n".join(re.findall(r"`([^`\n]+)`", text) + [block for _, block in BLOCK.findall(text)])
        for target in re.findall(r"^(?:.* )?make (?:[A-Z]+=\S+ )*([\w./-]+)", code, re.MULTILINE):
            assert target in targets, f"{page.name}: make {target}"
        for module in re.findall(r"python -m ((?:benchmarks|docs)[\w.]+)", code):
            assert find_spec(module), f"{page.name}: {module}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """No link points to a file, or to a heading, that is not there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, (
                target
            )
