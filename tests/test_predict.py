"""`predict.py` and `python -m leadscore`: the commands, and the ways to serve."""

import os
import subprocess
from importlib.metadata import version

import pytest

from leadscore.scorer import Scorer
from tests.conftest import PYTHON, ROOT, Command, Serve, without_settings

LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}


@pytest.mark.parametrize(
    "command",
    [
        ("predict.py", "serve", "--port", "0"),
        pytest.param(("-m", "leadscore", "--port", "0"), marks=pytest.mark.slow),
        ("-m", "uvicorn", "predict:app", "--port", "0"),
        pytest.param(
            ("-m", "gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:0", "predict:app"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["serve", "module", "uvicorn", "gunicorn"],
)
def test_every_way_to_serve(serve: Serve, scorer: Scorer, command: tuple[str, ...]) -> None:
    """The commands, uvicorn and gunicorn serve the same model."""
    if "gunicorn" in command and "SERVE_PYTHON" in os.environ:
        pytest.skip("gunicorn is optional and not in requirements-serve.txt")
    with serve(*command) as client:
        answer = client.post("/predict", json=LEAD).raise_for_status().json()
    (probability,), _ = scorer.run(scorer.inputs([LEAD]))
    assert answer["probability"] == pytest.approx(probability)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--model", "no_such.onnx"], {}, "no_such.onnx: cannot be read"),
        (["--model", "README.md"], {}, "README.md: no seal: damaged, or not a model"),
        (["--port", "http"], {}, "LEADSCORE_PORT: got 'http', expected a whole number"),
        ([], {"LEADSCORE_PORT": "70000"}, "LEADSCORE_PORT: got 70000, expected 0 to 65535"),
        ([], {"LEADSCORE_MAX_BATCH": ""}, "LEADSCORE_MAX_BATCH: empty"),
        ([], {"LEADSCORE_API_KEYS": ","}, "LEADSCORE_API_KEYS: got ',', expected values"),
        (["--workers", "0"], {}, "LEADSCORE_WORKERS: got 0, expected 1 to 1000"),
        (["serve", "--workers", "0"], {}, "LEADSCORE_WORKERS: got 0, expected 1 to 1000"),
    ],
)
def test_service_that_cannot_start_says_why(
    command: Command, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    """No model or a wrong setting: one line, exit code 3, no server."""
    done = command(*arguments, **environment)
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith("Not started: ")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("variables", [{"REQUIRE_KEY": "1"}, {"API_KEYS_FILE": "no/such/file"}], ids=min)
def test_service_without_the_keys_it_asks_for_does_not_start(variables: dict[str, str]) -> None:
    """As it is run: a sentence that names the variable, the exit code of a wrong setting, no trace."""
    environment = {f"LEADSCORE_{name}": value for name, value in variables.items()}
    done = subprocess.run(
        [PYTHON, "predict.py", "--port", "0"],
        cwd=ROOT,
        env={**without_settings(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    (name,) = variables
    assert done.stderr.startswith(f"Not started: LEADSCORE_{name}: ")
    assert done.stderr.count("\n") == 1


def test_option_counts_before_and_after_the_command(command: Command) -> None:
    """Options of the service may stand on either side; the environment is overridden by both."""
    for arguments in (["--model", "none.onnx", "score", "-"], ["score", "-", "--model", "none.onnx"]):
        done = command(*arguments, LEADSCORE_MODEL="other.onnx")
        assert (done.code, "none.onnx: cannot be read" in done.err) == (3, True)


def test_options_are_not_abbreviated(command: Command) -> None:
    """A part of a name is no option: what it would set might be another one tomorrow."""
    done = command("score", "-", "--reason", "1")
    assert done.code == 2
    assert "unrecognized arguments: --reason" in done.err


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["explain", "--help"]])
def test_help_needs_no_model(command: Command, arguments: list[str]) -> None:
    """What the commands are for can be read where nothing is set up yet."""
    done = command(*arguments, LEADSCORE_MODEL="none.onnx")
    assert (done.code, done.err) == (0, "")
    assert b"--model" in done.out


@pytest.mark.parametrize("arguments", [["score", "-"], ["explain", "-"], ["--port", "0"]])
def test_ctrl_c_while_libraries_load_leaves_no_trace(arguments: list[str]) -> None:
    """In the first second: exit code 130, and not a word."""
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'onnxruntime': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from leadscore.__main__ import main\n"
        f"main({arguments})"
    )
    done = subprocess.run([PYTHON, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("way", "name"), [(["predict.py"], "predict.py"), (["-m", "leadscore"], "python -m leadscore")]
)
def test_help_calls_the_command_as_it_was_called(way: list[str], name: str) -> None:
    """What it says can be typed again."""
    done = subprocess.run(
        [PYTHON, *way, "score", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"usage: {name} score ")


def test_help_shows_what_matters_first(command: Command) -> None:
    """The options of `score` stand before the settings it heeds; those of the service are not there."""
    text = command("score", "--help").out.decode().partition("positional arguments")[2]
    assert text.index("--columns") < text.index("the model:") < text.index("--max-text")
    assert "characters of one value (1000)" in text
    assert "--port" not in text
    serving = command("serve", "--help").out.decode().partition("options:")[2]
    assert serving.index("where to listen:") < serving.index("limits, of each worker:")
    assert "seconds for a request to come in and be answered (30)" in " ".join(serving.split())


def test_version_is_told(command: Command) -> None:
    """Of the package."""
    assert command("--version").out.decode().split()[1] == version("leadscore")


@pytest.mark.parametrize("place", ["https://example.com/leads.csv", "s3://bucket/leads.csv"])
def test_addresses_are_refused_by_name(command: Command, place: str) -> None:
    """What is elsewhere is not read, and the reason is no missing file."""
    for arguments in (["score", place], ["explain", place], ["score", "-", "-o", place]):
        done = command(*arguments)
        assert done.code == 2
        assert f"{place} is an address: download it first" in done.err
