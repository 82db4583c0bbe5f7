"""From a fitted pipeline to one ONNX file: its trees, their SHAP values as a table, the graph, the file.

May import onnx, onnxruntime through `leadscore.scorer`, and of training `dataset`, `models`, `errors`.
"""
