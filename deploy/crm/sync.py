"""What the recipes share: leads out of a CRM by page, scores of the service back into it.

A lead that has a score of the model in use is left alone, and writing the same twice changes nothing: a
run that is broken off is simply started again.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import httpx

TRIES: Final = 6
LONGEST_WAIT: Final = 60.0  # seconds between two tries
TOGETHER: Final = 200  # leads scored in one request
BUSY: Final = frozenset({429, 500, 502, 503, 504})


class Lead(NamedTuple):
    """A lead of the CRM: its id there, and the columns that are known of it."""

    id: str
    columns: dict[str, Any]


class Score(NamedTuple):
    """What is written back."""

    id: str
    score: int
    grade: str
    reasons: str
    model_version: str


class Crm(Protocol):
    """One CRM."""

    def pages(self, model_version: str) -> Iterator[list[Lead]]:
        """The leads that have no score of this model, page by page."""

    def write(self, scores: list[Score]) -> list[str]:
        """Write scores back; what was refused, a line for each."""


class Client(httpx.Client):
    """A client that waits and tries again: at 429, at 5xx, and if no answer comes."""

    def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        """The answer; httpx.HTTPError if there is none that is a success."""
        for tries in range(1, TRIES + 1):
            wait = min(2.0 ** (tries - 1), LONGEST_WAIT)
            try:
                answer = self.request(method, url, **options)
            except httpx.TransportError:
                if tries == TRIES:
                    raise
            else:
                if answer.status_code not in BUSY or tries == TRIES:
                    return answer.raise_for_status()
                asked = answer.headers.get("retry-after", "")
                wait = min(float(asked), LONGEST_WAIT) if asked.isdigit() else wait
            time.sleep(wait)
        raise AssertionError


def run(crm: Crm) -> None:
    """Score every lead that needs it. Exits with 1 if one could not be scored or written."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print the scores, write none")
    dry_run = parser.parse_args().dry_run
    key = os.environ.get("LEADSCORE_KEY")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    done, wrong = 0, 0
    with Client(base_url=os.environ["LEADSCORE_URL"], headers=headers, timeout=60) as service:
        version = service.ask("GET", "/v1/ready").json()["model_version"]
        for page in crm.pages(version):
            for start in range(0, len(page), TOGETHER):
                scores, problems = _scored(service, page[start : start + TOGETHER])
                problems += [] if dry_run else crm.write(scores)
                _say(scores if dry_run else [], problems)
                done, wrong = done + len(scores), wrong + len(problems)
    print(f"{done} leads scored by model {version}, {wrong} problems", file=sys.stderr)
    raise SystemExit(1 if wrong else 0)


def _scored(service: Client, leads: list[Lead]) -> tuple[list[Score], list[str]]:
    sent = [lead.columns for lead in leads]
    query = {"errors": "item", "reasons": 3}
    answers = service.ask("POST", "/v1/predict/batch", params=query, json=sent).json()["predictions"]
    scores, problems = [], []
    for lead, answer in zip(leads, answers, strict=True):
        if "probability" in answer:
            reasons = "; ".join(reason["text"] for reason in answer["reasons"])
            found = (answer["score"], answer["grade"], reasons, answer["model_version"])
            scores.append(Score(lead.id, *found))
        else:
            problems.append(f"{lead.id} not scored: {answer['detail']}")
    return scores, problems


def _say(scores: Iterable[Score], problems: Iterable[str]) -> None:
    for score in scores:
        print(score.id, score.score, score.grade, score.reasons, sep="\t")
    for problem in problems:
        print(problem, file=sys.stderr)
