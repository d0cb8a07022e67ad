"""Two things that a page must keep for the next one only, sealed in the session of who sits there, for ten minutes: a form that was
sent before a proof was asked for, so that nobody types it again; and a secret that is shown once, so that a page which is loaded anew
makes no second one.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps.core import ciphers, clock
from apps.core.errors import BadCipher

SECONDS = 600
MOST = 100_000  # characters of a form; a longer one is typed again
_FORM, _SECRET = "kept_form", "kept_secret"
_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the field's name


@dataclass(frozen=True)
class Form:
    """Where it was sent, and its fields in their order."""

    address: str
    fields: list[tuple[str, str]]


def keep_form(request: HttpRequest) -> None:
    """What was typed, and where it goes. Not kept: files, what is longer than `MOST`, parts of a page, a bare button.

    Call it after the check of the form's own token: what another house's page had sent would go on in this person's name else.
    """
    drop_form(request)
    if request.method != "POST" or request.FILES or "HX-Request" in request.headers:
        return
    fields = [(name, text) for name, texts in request.POST.lists() if name != _TOKEN for text in texts]
    if fields and sum(len(name) + len(text) for name, text in fields) <= MOST:
        _keep(request, _FORM, {"address": request.get_full_path(), "fields": fields})


def form(request: HttpRequest) -> Form | None:
    kept = _kept(request, _FORM)
    return Form(kept["address"], [(name, text) for name, text in kept["fields"]]) if kept else None


def drop_form(request: HttpRequest) -> None:
    request.session.pop(_FORM, None)


def keep_secret(request: HttpRequest, **facts: Any) -> None:
    """For `take_secret` on the page that is loaded next; a later one takes its place."""
    _keep(request, _SECRET, facts)


def take_secret(request: HttpRequest) -> dict[str, Any] | None:
    """Once; None: there is none, or it was shown before."""
    kept = _kept(request, _SECRET)
    request.session.pop(_SECRET, None)
    return kept


def _keep(request: HttpRequest, name: str, facts: dict[str, Any]) -> None:
    said = json.dumps({"at": clock.now().timestamp(), "facts": facts})
    request.session[name] = ciphers.seal_text(said, context=name)


def _kept(request: HttpRequest, name: str) -> dict[str, Any] | None:
    try:
        said = json.loads(ciphers.open_text(request.session.get(name, ""), context=name))
    except BadCipher:
        return None
    return said["facts"] if 0 <= clock.now().timestamp() - said["at"] < SECONDS else None
