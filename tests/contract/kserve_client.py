"""KServe's client scores two leads: `python kserve_client.py ADDRESS`."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

# Datatype, numpy's, binary. The client itself refuses FP16 as JSON.
WAYS = (
    ("FP32", np.float32, False),
    ("FP64", np.float64, False),
    ("FP64", np.float64, True),
    ("INT64", np.int64, False),
    ("INT64", np.int64, True),
    ("FP16", np.float16, True),
)


async def main(address: str) -> None:
    """Print what each way of sending the same two leads gets."""
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(address)
    assert await client.is_server_ready(address)
    assert await client.is_model_ready(address, "lead_conversion")
    found = {}
    for datatype, kind, binary in WAYS:
        visits = InferInput("total_visits", [2], datatype)
        visits.set_data_from_numpy(np.array([5, 7], kind), binary_data=binary)
        source = InferInput("lead_source", [2], "BYTES")
        source.set_data_from_numpy(np.array(["Google", ""], np.object_), binary_data=binary)
        request = InferRequest("lead_conversion", [visits, source])
        answer = await client.infer(address, request, "lead_conversion")
        found[f"{datatype}{' binary' * binary}"] = answer.outputs[0].as_numpy().tolist()
    print(json.dumps(found))


asyncio.run(main(sys.argv[1]))
