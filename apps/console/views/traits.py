"""Computed traits and scores: the list, one with its definition, what it says of a real member, and how its workings out went."""

from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import people, trait_form, trait_words
from apps.core import clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.members import selectors as members
from apps.members.models import Member
from apps.segments.models import Trait
from apps.segments.traits import defining, selectors, shape

EDIT = "segments.edit"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    failed = selectors.failures()
    rows = [
        {"trait": one, "said": trait_words.sentence(one.definition), "failed": failed.get(one.pk, "")}
        for one in Trait.objects.filter(archived_at=None)
    ]
    return render(request, "console/traits.html", {"rows": rows, "may_edit": _may_edit(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    return _edited(request, None)


@require_safe
def trait(request: HttpRequest, trait: str) -> HttpResponse:
    row = _found(trait)
    fields, entries = trait_form.initial(row.name, row.definition)
    form = trait_form.TraitForm(initial=fields)
    return _page(request, row, form, trait_form.EntrySet(initial=entries, prefix="entries"))


@require_POST
def save(request: HttpRequest, trait: str) -> HttpResponse:
    return _edited(request, _found(trait))


@require_POST
def archive(request: HttpRequest, trait: str) -> HttpResponse:
    row = _found(trait)
    try:
        defining.archive(trait_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
        return redirect("console:trait", row.key)
    messages.success(request, _("“%(name)s” is put away.") % {"name": row.name})
    return redirect("console:traits")


def _edited(request: HttpRequest, row: Trait | None) -> HttpResponse:
    """Save, or try on a member without saving."""
    fields, kept = trait_form.initial(row.name, row.definition) if row else ({}, [])
    form = trait_form.TraitForm(request.POST or None, initial=fields)
    rows = trait_form.EntrySet(request.POST or None, initial=kept, prefix="entries")
    facts: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        definition = form.definition(trait_form.entries_of(rows))
        try:
            if request.POST.get("do") == "try":
                shape.check(definition)
                facts = _tried(request, definition)
            else:
                made = _kept(request, row, form.cleaned_data["name"], definition)
                messages.success(
                    request, _("“%(name)s” is saved. Its values are worked out within a minute.") % {"name": made.name}
                )
                return redirect("console:trait", made.key)
        except ValidationFailed as refusal:
            trait_form.show(form, refusal.facts["errors"])
    return _page(request, row, form, rows, facts)


def _kept(request: HttpRequest, row: Trait | None, name: str, definition: dict[str, Any]) -> Trait:
    if row is not None:
        return defining.change(trait_id=row.pk, name=name, definition=definition)
    key = (slugify(name) or "trait")[:30] + "-" + token_hex(3)
    return defining.create(key=key, name=name, definition=definition, by_user_id=request.user.pk)


def _tried(request: HttpRequest, definition: dict[str, Any]) -> dict[str, Any]:
    """What it would say of the member that was typed, by member number or phone."""
    text = " ".join(request.POST.get("who", "").replace("\0", "").split())[:60]
    found = members.search(text=text, limit=1).member_ids if text else ()
    facts: dict[str, Any] = {"who": text, "is_tried": True, "said": trait_words.sentence(definition)}
    if found:
        tried = selectors.tried(definition, member_id=found[0], moment=clock.now())
        nothing = shape.nothing(definition)
        facts |= {
            "member": Member.objects.get(pk=found[0]),
            "value": trait_words.shown(tried.value if tried.value is not None else nothing, definition),
            "error": tried.error,
        }
    return facts


def _page(
    request: HttpRequest, row: Trait | None, form: trait_form.TraitForm, rows: Any, more: dict[str, Any] | None = None
) -> HttpResponse:
    facts: dict[str, Any] = {"trait": row, "form": form, "entries": rows, "may_edit": _may_edit(request)}
    if row is not None:
        runs, values = selectors.newest_runs(row), selectors.samples(row)
        known = Member.objects.in_bulk([member_id for member_id, _value in values])
        facts |= {
            "runs": runs,
            "failed": runs[0].error if runs else "",
            "sentence": trait_words.sentence(row.definition),
            "values": [(known[member_id], trait_words.shown(value, row.definition)) for member_id, value in values],
        }
    status = 422 if form.errors or rows.total_error_count() else 200
    return render(request, "console/trait.html", facts | (more or {}), status=status)


def _found(key: str) -> Trait:
    row = Trait.objects.filter(key=key, archived_at=None).first()
    if row is None:
        raise NotFound
    return row


def _may_edit(request: HttpRequest) -> bool:
    return bool(request.access.can(EDIT))  # type: ignore[attr-defined]
