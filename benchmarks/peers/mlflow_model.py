"""The pipeline as an MLflow model with a signature: python -m benchmarks.peers.mlflow_model FOLDER."""

import os
import shutil
import sys

import joblib
import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from benchmarks.peers.leads import MISSING

if __name__ == "__main__":
    folder = sys.argv[1]
    types = {name: "double" if isinstance(value, float) else "string" for name, value in MISSING.items()}
    columns = [ColSpec(kind, name) for name, kind in types.items()]
    shutil.rmtree(folder, ignore_errors=True)
    mlflow.sklearn.save_model(
        joblib.load(os.environ["PIPELINE"]),
        folder,
        signature=ModelSignature(inputs=Schema(columns)),
        pyfunc_predict_fn="predict_proba",
        serialization_format="cloudpickle",
        pip_requirements=[],  # looked for, which takes a minute, if none are given
    )
