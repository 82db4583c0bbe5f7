"""FastAPI with an untyped dictionary before the ONNX file."""

from typing import Any

from fastapi import FastAPI

from benchmarks.peers.graph import probabilities

app = FastAPI()


@app.post("/predict")
async def predict(lead: dict[str, Any]) -> dict[str, list[float]]:
    return {"probabilities": probabilities([lead])}


@app.post("/predict/batch")
async def predict_batch(batch: dict[str, Any]) -> dict[str, list[float]]:
    return {"probabilities": probabilities(batch["leads"])}
