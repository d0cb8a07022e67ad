"""What is known of the request being served: its id, its actor, its address. Empty outside requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Origin(NamedTuple):
    """Who causes the present writes. `actor` is `user:7`, `system`, `cli`; never a name."""

    actor: str = "system"
    request_id: str = ""
    address: str = ""


_NOBODY = Origin()
_origin: ContextVar[Origin] = ContextVar("siyu_origin", default=_NOBODY)


def origin() -> Origin:
    return _origin.get()


@contextmanager
def acting(**changes: str) -> Iterator[Origin]:
    """Set parts of the origin for a while: `with acting(actor="cli")`."""
    token = _origin.set(_origin.get()._replace(**changes))
    try:
        yield _origin.get()
    finally:
        _origin.reset(token)


def identify(actor: str) -> None:
    """Name the actor once the session is known (called by the access middleware)."""
    _origin.set(_origin.get()._replace(actor=actor))
