"""From a fitted pipeline to one ONNX file: its trees, their SHAP values as a table, graphs, the file.

skl2onnx drives (`conversion`); `table_graph` is served, `plain_graph` its witness, `parity` compares.
May import onnx, skl2onnx, onnxmltools, onnxruntime, and of training what makes and fits pipelines.
"""
