"""The audit trail: who did what to which thing, newest first, what it changed in words, and whether its seal holds."""

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.analytics import keyset
from apps.console import asked, audit_words, machine_words, people, scope
from apps.core import clock, csv_files, ids, seals
from apps.core.errors import NotFound
from apps.core.models import AuditEntry, User
from apps.members.models import Member
from apps.stores.models import Staff

PERMISSION = "audit.view"
MOST_IN_FILE = 20_000
_THINGS = {"mem": "member", "ord": "order", "cmp": "campaign", "job": "job", "apr": "approval"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the filters say. `store_id`: acts of that store's people."""

    action: str
    actor: str
    object: str
    since: date | None
    until: date | None
    store_id: int | None

    @property
    def is_narrowed(self) -> bool:
        return any((self.action, self.actor, self.object, self.since, self.until, self.store_id))


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    wanted, stores = _asked(request)
    cursor = keyset.read(request.GET.get("at", ""), kinds=[int])
    rows = _narrowed(wanted)
    if cursor:
        rows = rows.filter(pk__gt=cursor.key[0]) if cursor.is_back else rows.filter(pk__lt=cursor.key[0])
    found = list(rows.order_by("id" if cursor and cursor.is_back else "-id").values()[: keyset.SIZE + 1])
    page = keyset.page(found, cursor=cursor, key=["id"])
    facts = {
        "rows": _told(page.rows),
        "wanted": wanted,
        "stores": stores,
        "acts": sorted({str(text) for text in machine_words.ACTS.values()}),
        "things": sorted({str(text) for text in machine_words.OBJECTS.values()}),
        "seal": seals.state(),
        "csv_query": request.GET.urlencode(),
        **asked.pager(request, page),
    }
    return render(request, "console/audit.html", facts)


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    """The lines found, newest first, as the page tells them; times are of the shop."""
    wanted, _stores = _asked(request)
    heads = [
        _("Number"),
        _("When"),
        _("Who"),
        _("Action"),
        _("Object"),
        _("Before and after"),
        _("Address"),
        _("Request"),
    ]
    lines = (
        (
            row["id"], f"{clock.local(row['at']):%Y-%m-%dT%H:%M:%S%z}", row["who"], f"{row['said']} ({row['action']})",
            f"{row['thing']} {row['object_id']}".strip(),
            "; ".join(f"{name}: {before} → {after}" if before else f"{name}: {after}" for name, before, after in row["changes"]),
            row["address"], row["request_id"],
        )
        for row in _told(list(_narrowed(wanted).order_by("-id").values()[:MOST_IN_FILE]))
    )  # fmt: skip
    return csv_files.response(name="audit.csv", headers=heads, rows=lines)


def _asked(request: HttpRequest) -> tuple[Wanted, Any]:
    def text(name: str) -> str:
        return request.GET.get(name, "").strip()[:60].replace("\0", "")

    where = scope.of(request, permission=PERMISSION)
    since, until = asked.a_date(request, name="since"), asked.a_date(request, name="until")
    wanted = Wanted(
        action=text("action"),
        actor=text("actor"),
        object=text("object"),
        since=since,
        until=until,
        store_id=where.chosen,
    )
    return wanted, where.options


def _told(rows: Any) -> list[dict[str, Any]]:
    names, changed = people.log_in_names(row["actor"] for row in rows), audit_words.changes(rows)
    return [
        {
            **row,
            "who": names.get(row["actor"]) or machine_words.actor(row["actor"]),
            "said": machine_words.act(row["action"]),
            "thing": machine_words.thing(row["object_type"]),
            "changes": changed[row["id"]],
        }
        for row in rows
    ]


def _narrowed(wanted: Wanted) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.all()
    if wanted.action:
        rows = rows.filter(_acts(wanted.action))
    if wanted.actor:
        rows = rows.filter(actor__in=_actors(wanted.actor))
    if wanted.store_id:
        users = Staff.objects.filter(store_id=wanted.store_id, user__isnull=False).values_list("user_id", flat=True)
        rows = rows.filter(actor__in=[f"user:{key}" for key in users])
    if wanted.object:
        rows = rows.filter(_things(wanted.object))
    if wanted.since:
        rows = rows.filter(at__gte=clock.day_start(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=clock.day_end(wanted.until))
    return rows


def _acts(text: str) -> Q:
    """Acts whose words contain it, or whose code begins with it."""
    said = text.casefold()
    codes = [code for code, words in machine_words.ACTS.items() if said in str(words).casefold()]
    tables = [kind for kind, words in machine_words.OBJECTS.items() if said in str(words).casefold()]
    codes += [f"{table}.{verb}" for table in tables for verb in ("insert", "update", "delete")]
    return Q(action__startswith=text) | Q(action__in=codes)


def _actors(text: str) -> list[str]:
    """Log-in names, staff numbers and names; "Siyu itself" and the like by their words."""
    said = text.casefold()
    users = set(User.objects.filter(username__icontains=text).values_list("pk", flat=True)[:200])
    staff = Staff.objects.filter(Q(name__icontains=text) | Q(code__iexact=text), user__isnull=False)
    users |= {key for key in staff.values_list("user_id", flat=True)[:200] if key}
    others = [code for code in ("anonymous", "cli", "system") if said in machine_words.actor(code).casefold()]
    return [*(f"user:{key}" for key in sorted(users)), *others, text]


def _things(text: str) -> Q:
    """`member:12`, a public id, a member's number, or the kind of thing in words."""
    kind, colon, key = text.partition(":")
    if colon:
        return Q(object_type=kind, **({"object_id": key} if key else {}))
    prefix = text.partition("_")[0]
    if prefix in _THINGS:
        try:
            return Q(object_type=_THINGS[prefix], object_id=str(ids.decode(prefix, text)))
        except NotFound:
            return Q(pk=None)
    said = text.casefold()
    kinds = [one for one, words in machine_words.OBJECTS.items() if said in str(words).casefold()]
    parts = [Q(object_type__in=[*kinds, text])]
    member = Member.objects.filter(member_no=text).values_list("pk", flat=True).first()
    if member:
        parts.append(Q(object_type="member", object_id=str(member)))
    return reduce(or_, parts)
