"""Structured logs on standard error: one JSON object a line, with request id, scrubbed of phone numbers."""

import logging
import logging.config
import re

import structlog
from django.conf import settings
from structlog.typing import EventDict, Processor, WrappedLogger

from apps.core import requests

_PHONE = re.compile(r"(?<!\d)(?:\+?86)?1[3-9]\d{9}(?!\d)")


def configure() -> None:
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        structlog.processors.format_exc_info,
        scrub,
    ]
    as_json = settings.LOG_FORMAT == "json"
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"house": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "house"}},
            "root": {"handlers": ["stderr"], "level": settings.LOG_LEVEL},
            "loggers": {
                "django.request": {"level": "ERROR"},
                "httpx": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},  # one line per task, with its arguments
            },
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def holds_phone(text: str) -> bool:
    return _PHONE.search(text) is not None


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last line of defence: a phone number that slipped into a message never reaches the file."""
    return {key: _PHONE.sub("[phone]", value) if isinstance(value, str) else value for key, value in event.items()}


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if request_id := requests.origin().request_id:
        event.setdefault("request_id", request_id)
    return event
