"""What the model is worth and what serving costs, beside others; what the service withstands.

Run from the project's folder, as in `python -m benchmarks.scale`; each module says what it measures.
"""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
MODEL: Final = ROOT / "models" / "lead_conversion.onnx"
LEADS: Final = ROOT / "data" / "leads.csv"
COLUMNS: Final = ROOT / "data" / "columns.toml"
