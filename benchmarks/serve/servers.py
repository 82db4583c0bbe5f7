"""The servers that are compared, and how each is started."""

from dataclasses import dataclass, field
from typing import Final

from benchmarks.serve import loads
from benchmarks.serve.loads import Form, Lead, Reader, Route


@dataclass(frozen=True)
class Server:
    """A way to serve the model. `kind`: ours, pipeline, graph or limit.

    In its command {bin} stands for its environment's programs, {port} for its port, {build} for a
    folder. Without a form it is a program that measures itself; without a reader it answers no
    probabilities.
    """

    name: str
    kind: str
    environment: str
    command: str
    about: str
    form: Form | None = loads.two_routes
    read: Reader | None = loads.probabilities
    variables: dict[str, str] = field(default_factory=dict)

    def request(self, leads: list[Lead]) -> Route:
        """The path and the document of a request."""
        assert self.form, f"{self.name} takes no requests"
        return self.form(leads)


MODULE: Final = "{bin}/python -m benchmarks.peers."
_OURS = "{bin}/python predict.py --port {port}"
_UVICORN = "{bin}/uvicorn --port {port} --no-access-log --log-level warning benchmarks.peers."
_BENTOML = "{bin}/bentoml serve --host 127.0.0.1 --port {port} benchmarks.peers."
_MLSERVER = "{bin}/mlserver start {build}/empty"
_MLFLOW = "{bin}/mlflow models serve --env-manager local --port {port} --model-uri {build}/mlflow"
_BATCHING = {"BATCHING": "1"}
_ALONE = {"MLSERVER_PARALLEL_WORKERS": "0"}
_TOGETHER = {**_ALONE, "MLSERVER_MODEL_MAX_BATCH_SIZE": "16", "MLSERVER_MODEL_MAX_BATCH_TIME": "0.005"}


def _ours(name: str, about: str, form: Form, read: Reader, **variables: str) -> Server:
    return Server(name, "ours", "serve", _OURS, about, form, read, variables)


def _mlserver(name: str, about: str, variables: dict[str, str]) -> Server:
    form, read = loads.tensors, loads.every_second
    return Server(name, "pipeline", "mlserver", _MLSERVER, about, form, read, variables)


def _bentoml(name: str, kind: str, about: str, variables: dict[str, str]) -> Server:
    command = f"{_BENTOML}bentoml_{kind}:Served"
    return Server(name, kind, "bentoml", command, about, loads.one_route, list, variables)


def _litserve(name: str, kind: str, about: str, variables: dict[str, str]) -> Server:
    command = f"{MODULE}litserve_{kind} {{port}}"
    return Server(
        name, kind, "litserve", command, about, loads.one_route, loads.probabilities, variables
    )


OURS: Final = _ours("ours", "`python predict.py`, nothing set", loads.two_routes, loads.predictions)
SERVERS: Final = (
    OURS,
    _ours(
        "ours, `LEADSCORE_LOG_REQUESTS=0`",
        "no line in the log for each request",
        loads.two_routes,
        loads.predictions,
        LEADSCORE_LOG_REQUESTS="0",
    ),
    _ours(
        "ours, `/v2/.../infer`",
        "the Open Inference Protocol in JSON, probability alone",
        loads.our_tensors,
        loads.first_tensor,
    ),
    Server(
        "FastAPI",
        "pipeline",
        "fastapi",
        f"{_UVICORN}fastapi_pipeline:app",
        "a typed pydantic model, a DataFrame, `predict_proba`, as in tutorials; `async def`",
    ),
    _mlserver(
        "MLServer",
        "its scikit-learn runtime, the Open Inference Protocol, one worker process as it comes",
        {},
    ),
    _mlserver("MLServer, no workers", "`parallel_workers` 0", _ALONE),
    _mlserver(
        "MLServer, no workers, batching",
        "`max_batch_size` 16, `max_batch_time` 5 ms; requests that wait are scored together",
        _TOGETHER,
    ),
    _bentoml("BentoML", "pipeline", "a typed pydantic model, one worker, no access log", {}),
    _bentoml(
        "BentoML, batching",
        "pipeline",
        "`batchable=True`; requests that wait are scored together",
        _BATCHING,
    ),
    Server(
        "MLflow",
        "pipeline",
        "mlflow",
        _MLFLOW,
        "`mlflow models serve`, the model saved with a signature; `dataframe_split`",
        loads.split,
        loads.second,
    ),
    _litserve("LitServe", "pipeline", "a typed pydantic model, one worker, `fast_queue=True`", {}),
    _litserve(
        "LitServe, batching",
        "pipeline",
        "`max_batch_size` 16, `batch_timeout` 5 ms; requests that wait are scored together",
        _BATCHING,
    ),
    Server(
        "Ray Serve",
        "pipeline",
        "ray",
        f"{MODULE}ray_pipeline {{port}}",
        "a typed pydantic model, one replica, one proxy, no dashboard",
        loads.one_route,
    ),
    Server(
        "FastAPI, untyped",
        "graph",
        "fastapi",
        f"{_UVICORN}fastapi_graph:app",
        "a `dict`, a bare session; `async def`",
    ),
    _bentoml("BentoML, untyped", "graph", "a list of `dict`, otherwise as above", {}),
    _litserve("LitServe, untyped", "graph", "a `dict`, otherwise as above", {}),
    _litserve(
        "LitServe, untyped, batching",
        "graph",
        "as above; requests that wait are scored together",
        _BATCHING,
    ),
    Server(
        "echo",
        "limit",
        "serve",
        f"{_UVICORN}echo:app",
        "FastAPI reads typed leads and answers them, nothing else",
        read=None,
    ),
    Server(
        "empty",
        "limit",
        "serve",
        f"{_UVICORN}empty:app",
        "uvicorn reads the request and answers a fixed JSON document",
        read=None,
    ),
    Server(
        "`session.run`",
        "limit",
        "serve",
        f"{MODULE}session_run",
        "no server: the ONNX file in a loop, its tensors made before",
        form=None,
    ),
)


def named(kind: str) -> list[str]:
    """The names of a kind of servers."""
    return [server.name for server in SERVERS if server.kind == kind]
