"""The server: uvicorn with the service, in one process or several."""

import logging

import uvicorn
from starlette.types import ASGIApp

from leadscore.scorer import Scorer
from leadscore.service import connection, workers
from leadscore.service.app import create_service
from leadscore.service.middleware import logs
from leadscore.service.middleware.keys import Keys
from leadscore.settings import Settings, variable


def serve(scorer: Scorer, settings: Settings) -> None:
    """Serve until told to stop."""
    # Made here even if worker processes make their own: what is wrong is said once, before they start.
    service = app(scorer, settings)
    config = uvicorn.Config(
        service if settings.workers == 1 else f"{__name__}:worker",
        factory=settings.workers > 1,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=connection.protocol(settings.timeout, settings.log_requests),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run()
    else:
        workers.run(config, settings.drain)


def worker() -> ASGIApp:
    """The service of one worker process, which finds model and settings in its environment."""
    from leadscore.commands import loaded  # noqa: PLC0415  (which imports this module to serve)

    workers.leave_with_parent()
    return app(*loaded())


def app(scorer: Scorer, settings: Settings) -> ASGIApp:
    """The service, for this server or one that somebody else runs."""
    logs.install()
    keys = Keys(settings)
    if not keys:
        logging.getLogger("leadscore").warning(
            "NO API KEYS: everyone who reaches this service may use it. Set %s or %s.",
            variable("api_keys"),
            variable("api_keys_file"),
        )
    return create_service(scorer, settings, keys)
