"""The server: uvicorn with the service, in one process or several."""

import logging

import uvicorn
from starlette.types import ASGIApp

from leadscore.scorer import Scorer
from leadscore.serving import logs, workers
from leadscore.serving.app import create_service
from leadscore.serving.keys import Keys
from leadscore.serving.limits import impatient
from leadscore.serving.settings import Settings, variable


def serve(scorer: Scorer, settings: Settings) -> None:
    """Serve until told to stop."""
    logs.install()
    # Made here even if worker processes make their own: what is wrong is said once, before they start.
    service = _service(scorer, settings)
    config = uvicorn.Config(
        service if settings.workers == 1 else "predict:app",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=impatient(settings.timeout),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_timeout,
        timeout_worker_healthcheck=workers.START_SECONDS,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run()
    else:
        workers.run(config)


def app(scorer: Scorer, settings: Settings) -> ASGIApp:
    """The service for a server that somebody else runs."""
    logs.install()
    return _service(scorer, settings)


def _service(scorer: Scorer, settings: Settings) -> ASGIApp:
    keys = Keys(settings)
    if not keys:
        logging.getLogger("leadscore").warning(
            "NO API KEYS: everyone who reaches this service may use it. Set %s or %s.",
            variable("api_keys"),
            variable("api_keys_file"),
        )
    return create_service(scorer, settings, keys)
