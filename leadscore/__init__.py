"""Lead-conversion scoring: raw leads in, one ONNX file, a probability out."""

__version__ = "0.1.0"
