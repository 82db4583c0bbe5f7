"""The service's own routes: scoring, a CSV, and what operators ask for."""
