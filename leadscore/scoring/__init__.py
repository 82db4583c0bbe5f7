"""Leads in, answers out: one engine for every door, without web, files or metrics.

Imports numpy, onnxruntime and the shared part (columns, card, scorer); never tables or service.
"""
