"""Lead-conversion scoring: raw leads in, one ONNX file, a probability out."""

import os

__version__ = "0.2.0"

# Since 1.29 onnxruntime reports sessions and model hashes to its vendor, from a thread of its own and
# a file in the home directory, unless this says no before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
