"""The pinned requirements agree with pyproject.toml and with each other."""

import json
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVE = PROJECT["project"]["dependencies"]
DEPLOY = PROJECT["dependency-groups"]["deploy"]
CONTRACT = PROJECT["dependency-groups"]["contract"]
RUNTIMES = json.loads((ROOT / "examples" / "package.json").read_text())["dependencies"]
GENERATORS = json.loads((ROOT / "tests/contract/package.json").read_text())["devDependencies"]
EXCEL = PROJECT["project"]["optional-dependencies"]["excel"]
SPARK = PROJECT["project"]["optional-dependencies"]["spark"]
TRAIN = PROJECT["project"]["optional-dependencies"]["train"]
ALL = [
    *SERVE,
    *TRAIN,
    *EXCEL,
    *PROJECT["dependency-groups"]["dev"],
]


def _pins(name: str) -> dict[str, str]:
    """Package -> its pin with marker and hashes."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {re.split("[=<>~ ]", line)[0]: line for line in lines}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.txt", ALL),
        ("requirements-serve.txt", [*SERVE, *EXCEL]),
        ("requirements-deploy.txt", DEPLOY),
        ("requirements-contract.txt", CONTRACT),
        ("requirements-spark.txt", [*SERVE, *TRAIN, *SPARK]),
    ],
)
def test_pins_satisfy_the_project(name: str, wanted: list[str]) -> None:
    """Everything pyproject.toml asks for is pinned, in a version it allows, for the same platforms."""
    pins = _pins(name)
    for text in wanted:
        requirement = Requirement(text)
        pinned = Requirement(pins[requirement.name].split("--hash")[0])
        (exact,) = pinned.specifier
        assert exact.operator == "=="
        assert requirement.specifier.contains(exact.version), text
        assert (requirement.marker is None) == (pinned.marker is None), text


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-serve.txt",
        "requirements-deploy.txt",
        "requirements-contract.txt",
        "requirements-spark.txt",
    ],
)
def test_every_pin_is_exact_and_hashed(name: str) -> None:
    """What is installed is what was locked, byte by byte."""
    for package, line in _pins(name).items():
        assert re.match(rf"{re.escape(package)}==\S+ ", line), line
        assert "--hash=sha256:" in line, package


def test_what_serves_is_what_was_tested() -> None:
    """requirements-serve.txt is part of the others: the same versions, the same hashes."""
    serving, tested, spark = map(
        _pins, ("requirements-serve.txt", "requirements.txt", "requirements-spark.txt")
    )
    excel = {Requirement(line).name for line in EXCEL}  # which Spark does not read
    for package, line in serving.items():
        assert line.split() == tested[package].split()
        assert package in excel or line.split() == spark[package].split()


def test_serving_needs_nothing_of_training() -> None:
    """No library of training reaches the image, directly or through another."""
    training = {
        "scikit-learn",
        "xgboost",
        "xgboost-cpu",
        "pandas",
        "scipy",
        "onnx",
        "onnxmltools",
        "skl2onnx",
        "joblib",
    }
    assert not training & set(_pins("requirements-serve.txt"))


@pytest.mark.parametrize(
    ("folder", "kind", "wanted"),
    [("examples", "dependencies", RUNTIMES), ("tests/contract", "devDependencies", GENERATORS)],
)
def test_what_npm_installs_is_exact_and_hashed(folder: str, kind: str, wanted: dict[str, str]) -> None:
    """The same for what npm installs, from whichever registry."""
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    assert lock.pop("")[kind] == wanted
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    for name, package in lock.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_every_dependency_is_justified() -> None:
    """The documents' tables give a reason for each direct dependency."""
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    compared = PROJECT["dependency-groups"]["quality"]
    named = [Requirement(line).name for line in (*ALL, *DEPLOY, *CONTRACT, *SPARK, *compared)]
    missing = [name for name in (*named, *RUNTIMES, *GENERATORS) if f"| `{name}` |" not in text]
    assert missing == []
