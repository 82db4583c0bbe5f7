"""FastAPI with a typed request model before the pipeline."""

from fastapi import FastAPI

from benchmarks.peers.leads import Lead, Leads
from benchmarks.peers.pipeline import probabilities

app = FastAPI()


@app.post("/predict")
async def predict(lead: Lead) -> dict[str, list[float]]:
    return {"probabilities": probabilities([lead])}


@app.post("/predict/batch")
async def predict_batch(batch: Leads) -> dict[str, list[float]]:
    return {"probabilities": probabilities(batch.leads)}
