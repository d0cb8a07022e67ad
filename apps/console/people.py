"""The member that an address names, for whoever may see them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from apps.core import ids
from apps.core.errors import DomainError, NotFound
from apps.core.models import User
from apps.members import selectors as members
from apps.members.models import Member


def one(request: HttpRequest, public_id: str, *, permission: str = "members.view") -> Member:
    """Within the reader's stores under that permission; the address of a merged record names its survivor. Raises NotFound."""
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    member_id = members.current_id(ids.decode(members.PREFIX, public_id))
    row = members.within(Member.objects.select_related("home_store__region"), stores).filter(pk=member_id).first()
    if row is None:
        raise NotFound
    return row


def public_id(row: Member) -> str:
    return ids.encode(members.PREFIX, row.pk)


def log_in_names(actors: Iterable[str]) -> dict[str, str]:
    """Actor as the audit trail writes it ("user:7") → the log-in name of that account, in one query."""
    keys = {actor.removeprefix("user:") for actor in actors if actor.startswith("user:")}
    found = User.objects.filter(pk__in=[int(key) for key in keys if key.isdigit()]).values_list("pk", "username")
    return {f"user:{key}": name for key, name in found}


def told_of_publishing(request: HttpRequest, *, number: int | None, name: str, waits: str, counts: str) -> None:
    """The version counts, or (`number` None) waits for a second person: `counts` and `waits` are sentences with name and number."""
    if number is None:
        messages.success(request, waits % {"name": name})
    else:
        messages.success(request, counts % {"name": name, "number": number})


def complain(request: HttpRequest, refusal: DomainError) -> None:
    """Say above the page why nothing was done."""
    messages.error(request, in_words(refusal))


def in_words(refusal: DomainError) -> str:
    """Its findings, else what it says itself."""
    errors: Any = refusal.facts.get("errors") or ()
    return " ".join(str(error["message"]) for error in errors) or str(refusal)
