"""FastAPI that reads typed leads and answers them, unscored."""

from fastapi import FastAPI

from benchmarks.peers.leads import Lead, Leads

app = FastAPI()


@app.post("/predict")
async def predict(lead: Lead) -> Lead:
    return lead


@app.post("/predict/batch")
async def predict_batch(batch: Leads) -> Leads:
    return batch
