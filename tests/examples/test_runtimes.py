"""The shipped model outside of Python: Node and browsers compute what Python computes."""

import csv
import functools
import json
import math
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from leadscore.columns import LARGEST, Value
from leadscore.scorer import TOLERANCE, Scorer
from tests.browser import CHROMIUM, chromium
from tests.conftest import ROOT, TWIN

EXAMPLES = ROOT / "examples"
NODE = shutil.which("node")
LEADS = 1000
UNSEEN: dict[str, tuple[Value, Value]] = {
    "number": (LARGEST, 0.1),
    "category": ("never seen", "Zürich 東京 🎓"),
}
LEAD = {"total_visits": 5, "total_time_spent_on_website": 1200, "lead_source": "Google"}

if not (EXAMPLES / "node_modules").exists():
    pytest.skip("the other runtimes are not installed: make runtime-check", allow_module_level=True)

IN_NODE = """
import { readFileSync } from "node:fs";
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { score } from "../tests/examples/runtimes.mjs";

const model = readFileSync("../models/lead_conversion.onnx");
const columns = JSON.parse(readFileSync(0));
// Named, as both packages share one list of providers, in which the native one comes first.
const found = {
  node: await score(node, "cpu", model, columns),
  web: await score(web, "wasm", model, columns),
};
console.log(JSON.stringify(found));
"""

IN_CHROMIUM = """async (columns) => {
  const ort = await import("/examples/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs");
  const { score } = await import("/tests/examples/runtimes.mjs");
  const model = await (await fetch("/models/lead_conversion.onnx")).arrayBuffer();
  return score(ort, "wasm", model, columns);
}"""

Outputs: TypeAlias = dict[str, list[float]]


@pytest.fixture(scope="module")
def leads(scorer: Scorer) -> list[dict[str, Value]]:
    """Every ninth lead; in half of them one column in turn is blank, or has a value nobody has seen."""
    features = scorer.card.dictionary.features
    with TWIN.open(encoding="utf-8", newline="") as stream:
        rows = list(islice(csv.DictReader(stream), 0, 9 * LEADS, 9))
    leads = [{c.name: c.read(row[c.source]) for c in features} for row in rows]
    for index, lead in enumerate(leads):
        column = features[index % len(features)]
        if index % 4 == 1:
            lead[column.name] = column.read(None)
        if index % 4 == 3:
            lead[column.name] = UNSEEN[column.kind][index % 8 // 4]
    return leads


@pytest.fixture(scope="module")
def columns(leads: list[dict[str, Value]], scorer: Scorer) -> list[dict[str, Any]]:
    """The same as JSON, by column."""

    def document(value: Value) -> Value | None:
        return None if isinstance(value, float) and math.isnan(value) else value

    return [
        {"name": c.name, "kind": c.kind, "values": [document(lead[c.name]) for lead in leads]}
        for c in scorer.card.dictionary.features
    ]


@pytest.fixture(scope="module")
def in_node(columns: list[dict[str, Any]]) -> dict[str, Outputs]:
    """What both runtimes compute in one process of Node."""
    if NODE is None:
        pytest.skip("node is not installed")
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", IN_NODE],
        cwd=EXAMPLES,
        input=json.dumps(columns),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Outputs] = json.loads(done.stdout)
    return found


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Where the project's files are served as they are."""
    handler = functools.partial(_Quiet, directory=str(ROOT))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser: Browser, site: str) -> Iterator[Page]:
    """The example's page; nothing may have gone wrong in it afterwards."""
    wrong: list[str] = []
    page = browser.new_page()

    def own_alone(sent: Request) -> None:
        if not sent.url.startswith((site, "data:")):
            wrong.append(sent.url)

    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", own_alone)
    page.goto(f"{site}/examples/score.html")
    # The runtime takes one run at a time: the page's own comes before those of the tests.
    expect(page.locator("#answer")).to_contain_text("convert", timeout=60_000)
    yield page
    page.close()
    assert wrong == []


@pytest.fixture(params=["node", "web", "chromium"])
def found(request: pytest.FixtureRequest, columns: list[dict[str, Any]]) -> Outputs:
    """What onnxruntime-node computes, and onnxruntime-web in Node and in chromium."""
    if request.param == "chromium":
        outputs: Outputs = request.getfixturevalue("page").evaluate(IN_CHROMIUM, columns)
    else:
        outputs = request.getfixturevalue("in_node")[request.param]
    return outputs


def test_other_runtimes_compute_what_python_computes(
    found: Outputs, leads: list[dict[str, Value]], scorer: Scorer
) -> None:
    """On 1,000 leads, with blanks and values nobody has seen: reasons to the last bit, as they are sums
    of integers; probabilities but for how a runtime rounds its sigmoid.
    """
    probability, contributions = scorer.run(scorer.inputs(leads))
    assert len(leads) == LEADS
    np.testing.assert_allclose(found["probability"], probability, rtol=0, atol=TOLERANCE)
    assert found["contributions"] == contributions.ravel().tolist()


def _assert_is_pythons(printed: str, scorer: Scorer) -> None:
    (probability,), (contributions,) = scorer.run(scorer.inputs([LEAD]))
    names = [column.name for column in scorer.card.dictionary.features]
    first, *reasons = (line.split(" ", 1) for line in printed.splitlines())
    assert float(first[0]) == pytest.approx(probability, abs=TOLERANCE)
    assert first[1] == ("converts" if probability >= scorer.card.threshold.value else "does not convert")
    largest = np.argsort(-np.abs(contributions))[:3]
    assert [name for _, name in reasons] == [names[index] for index in largest]
    effects = [float(effect) for effect, _ in reasons]
    assert effects == pytest.approx(contributions[largest].tolist(), abs=1e-4)  # as it is printed


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_example_for_node_prints_what_python_computes(scorer: Scorer, tmp_path: Path) -> None:
    """A partly known lead, with the card read out of the file; nothing is reported to anybody."""
    # onnxruntime is silent under CI, and this process has asked it to be.
    watched = {k: v for k, v in os.environ.items() if k not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [str(NODE), "score.mjs"],
        cwd=EXAMPLES,
        env={**watched, **home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _assert_is_pythons(done.stdout, scorer)
    assert list(tmp_path.iterdir()) == []


def test_example_for_browsers_shows_what_python_computes(page: Page, scorer: Scorer) -> None:
    """The same in chromium, from files served as they are; nothing is loaded from elsewhere."""
    _assert_is_pythons(page.locator("#answer").inner_text(), scorer)
