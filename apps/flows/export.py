"""The member's copy of their data: every holding, as JSON and as a page to read, in one zip sealed with the member's own key."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Field, Model
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from apps.core import brand, ciphers, clock, holdings, jobs, money
from apps.core.holdings import Holding
from apps.core.models import Job
from apps.flows import export_words, privacy, source_words
from apps.flows.models import PrivacyRequest
from apps.members import identities, uploads
from apps.members.models import Member

KEPT_FOR = timedelta(hours=24)
Row = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One table of the copy. `rows` as stored; labels and readable values follow from the model."""

    model: type[Model]
    rows: list[Row]


@jobs.runner(privacy.EXPORT_JOB)
def run(job: Job) -> dict[str, Any]:
    """Make the file of a waiting request. A request settled meanwhile (an erasure) is left alone."""
    wish = PrivacyRequest.objects.get(pk=job.params["request"])
    if wish.state != PrivacyRequest.State.WAITING:
        return {"tables": 0, "rows": 0}
    sections = list(collect(wish.member_id))
    jobs.report(job, done=len(sections), total=len(sections))
    files = dict(uploads.contents(wish.member_id))
    content = packed(sections, files=files, member_no=_member_no(sections), language=wish.language, moment=clock.now())
    _store(wish, content)
    return {"tables": len(sections), "rows": sum(len(section.rows) for section in sections)}


def collect(member_id: int) -> Iterable[Section]:
    """Every holding in which the member stands, their profile first."""
    special = holdings.shown()
    for held in sorted(holdings.holdings(), key=lambda held: held.model != Member._meta.label):
        rows = special[held.model](member_id) if held.model in special else _plain_rows(held, member_id)
        if rows:
            yield Section(model=holdings.model_of(held.model), rows=rows)


def packed(
    sections: list[Section], *, files: dict[str, bytes], member_no: str, language: str, moment: datetime
) -> bytes:
    """The zip: `data.json` for machines, `data.html` for the member, their pictures under `files/`."""
    facts = {"made_at": moment, "tables": {section.model._meta.label: section.rows for section in sections}}
    with translation.override(language):
        page = render_to_string(
            "privacy/export.html",
            {
                "brand_name": brand.name(),
                "made_at": readable(moment),
                "member_no": member_no,
                "sections": [_readable_section(section) for section in sections],
            },
        )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(facts, ensure_ascii=False, indent=2, default=_json))
        archive.writestr("data.html", page)
        for name, picture in files.items():
            archive.writestr(f"files/{name}", picture)
    return target.getvalue()


def expire() -> int:
    """Drop files that nobody fetched within a day. Returns how many."""
    old = PrivacyRequest.objects.filter(state=PrivacyRequest.State.READY, expires_at__lte=clock.now())
    return old.update(state=PrivacyRequest.State.EXPIRED, sealed=None, settled_at=clock.now())


_DOORS = {"source", "client"}  # columns that name the door by which something came


def readable(value: Any, *, name: str = "", field: Field | None = None) -> str:
    """A stored value in words: labels of choices, shop time, money, yes and no."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, str) and name in _DOORS:
        return source_words.said(value)
    if isinstance(value, str):
        return str(export_words.codes(name, field).get(value, value))
    if isinstance(value, int) and name.endswith("_cents"):
        return money.show(value)
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, datetime):
        return f"{clock.local(value):%Y-%m-%d %H:%M:%S}"
    return _joined(value)


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {readable(part)}" for key, part in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(readable(part) for part in value) or "–"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _store(wish: PrivacyRequest, content: bytes) -> None:
    with transaction.atomic():
        waiting = PrivacyRequest.objects.select_for_update().filter(pk=wish.pk, state=PrivacyRequest.State.WAITING)
        if not waiting.exists():
            return
        sealed = ciphers.encrypt_bytes(
            person_key=identities.person_key(wish.member_id), plain=content, context=privacy.export_context(wish.pk)
        )
        waiting.update(state=PrivacyRequest.State.READY, sealed=sealed, expires_at=clock.now() + KEPT_FOR)


def _plain_rows(held: Holding, member_id: int) -> list[Row]:
    fields = [holdings.model_of(held.model)._meta.get_field(name) for name in held.export]
    related = [field.name for field in fields if field.is_relation]
    rows = held.rows(member_id).select_related(*related) if related else held.rows(member_id)
    return [{field.name: _value(row, field) for field in fields} for row in rows] if fields else []


def _value(row: Model, field: Any) -> Any:
    """Other tables' rows by what they are called, never by a number of ours."""
    value = getattr(row, field.name)
    return str(value) if field.is_relation and value is not None else value


def _readable_section(section: Section) -> dict[str, Any]:
    """A single row is shown as pairs, several as a table."""
    names = list(section.rows[0])
    fields = {field.name: field for field in section.model._meta.get_fields() if isinstance(field, Field)}
    heads = [export_words.column(name, fields.get(name)) for name in names]
    rows = [[readable(row[name], name=name, field=fields.get(name)) for name in names] for row in section.rows]
    pairs = list(zip(heads, rows[0], strict=True)) if len(rows) == 1 else []
    return {
        "title": export_words.table(section.model),
        "count": len(rows),
        "heads": heads,
        "rows": rows,
        "pairs": pairs,
    }


def _member_no(sections: list[Section]) -> str:
    return next((row["member_no"] for section in sections for row in section.rows if "member_no" in row), "")


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)
