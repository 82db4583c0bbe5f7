"""Our service beside others that serve the same model: requests a second, latency, memory, start."""

from pathlib import Path
from typing import Final

from benchmarks import ROOT

BUILD: Final = ROOT / "build" / "serve"
FIGURES: Final = Path(__file__).parent.with_name("serve.json")
