"""What a program does with the generated client: `python generated_client.py ADDRESS KEY`.

Runs where the client was made; prints what it got as JSON.
"""

import io
import json
import sys

from lead_conversion_client import AuthenticatedClient, Client
from lead_conversion_client.api.operations import get_model, ready
from lead_conversion_client.api.scoring import predict, predict_batch, predict_csv
from lead_conversion_client.models import Batch, Lead, PredictCsvFilesBody, Problem
from lead_conversion_client.types import File

address, key = sys.argv[1:]
client = AuthenticatedClient(address, token=key, raise_on_unexpected_status=True)
lead = Lead(total_visits=5, lead_source="Google")
CSV = (
    b"Lead Source,TotalVisits,Total Time Spent on Website,Lead Origin,Specialization,Do Not Email\n"
    b"Google,5,,,,\n"
)
file = File(io.BytesIO(CSV), "leads.csv", "text/csv")

one = predict.sync(client=client, body=lead, reasons=2)
many = predict_batch.sync(client=client, body=Batch([lead, lead]), calls=1)
bare = predict_csv.sync_detailed(client=client, body=file)
form = predict_csv.sync_detailed(client=client, body=PredictCsvFilesBody(file))
card = get_model.sync(client=client)
wrong = predict.sync(client=client, body=Lead(total_visits=-1))
stranger = predict.sync(client=Client(address), body=lead)
assert isinstance(wrong, Problem)
assert isinstance(stranger, Problem)
print(
    json.dumps(
        {
            "one": one.to_dict(),
            "many": many.to_dict(),
            "bare": bare.content.decode(),
            "form": form.content.decode(),
            "columns": [column.name for column in card.dictionary.column],
            "version": ready.sync(client=Client(address)).model_version,
            "wrong": [(error.pointer, error.expected) for error in wrong.errors],
            "stranger": stranger.status,
        }
    )
)
