"""MLServer's codecs write a request and read its answer: `python mlserver_client.py ADDRESS`."""

import json
import sys

import httpx
import numpy as np
import pandas as pd
from mlserver.codecs import Base64Codec, NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

address = f"{sys.argv[1]}/v2/models/lead_conversion/infer"


def scores(request: InferenceRequest) -> list[float]:
    """The probabilities that come back."""
    for document in (request.model_dump_json(), request.model_dump_json(exclude_none=True)):
        answer = httpx.post(address, content=document)
        assert answer.status_code == httpx.codes.OK, answer.text
    response = InferenceResponse.model_validate_json(answer.content)
    return list(NumpyCodec.decode_output(response.outputs[0]).reshape(-1).tolist())


leads = pd.DataFrame(
    {
        "total_visits": [5, 7],
        "page_views_per_visit": [2.5, np.nan],
        "lead_source": ["Google", ""],
    }
)
columns = [
    NumpyCodec.encode_input("total_visits", np.array([[5], [7]])),
    NumpyCodec.encode_input("page_views_per_visit", np.array([[2.5], [np.nan]])),
]
texts = [codec.encode_input("lead_source", ["Google", ""]) for codec in (StringCodec, Base64Codec)]
array = NumpyRequestCodec.encode_request(np.array([[5], [7]]))
array.inputs[0].name = "total_visits"
print(
    json.dumps(
        {
            "pandas": scores(PandasCodec.encode_request(leads)),
            "text": scores(InferenceRequest(inputs=[*columns, texts[0]])),
            "base64": scores(InferenceRequest(inputs=[*columns, texts[1]])),
            "array": scores(array),
        }
    )
)
