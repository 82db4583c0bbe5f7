"""The lead-conversion model as others would serve it: an app for each, run by benchmarks/serve.py."""
