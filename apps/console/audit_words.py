"""What a line of the audit trail changed, in words: a name, what it was, what it became."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core import clock, money
from apps.core.models import User
from apps.stores.models import Region, Staff, Store

Row = Mapping[str, Any]
# Names of columns and facts that no model has words for.
FIELDS: dict[str, Promise] = {
    "amount": pgettext_lazy("audit", "Amount"),
    "at": gettext_lazy("When"),
    "channel": gettext_lazy("Channel"),
    "code": pgettext_lazy("audit", "Code"),
    "count": gettext_lazy("How many"),
    "coupon": gettext_lazy("Coupon"),
    "coupons": gettext_lazy("Coupons"),
    "created_at": pgettext_lazy("audit", "Made at"),
    "changed_at": pgettext_lazy("audit", "Changed at"),
    "currency": gettext_lazy("Points currency"),
    "day": gettext_lazy("Day"),
    "day_cap": pgettext_lazy("audit", "A day"),
    "ends_at": pgettext_lazy("audit", "Ends"),
    "erased": pgettext_lazy("audit", "Erased at the member's wish"),
    "figure": gettext_lazy("Figure"),
    "first_month": gettext_lazy("From the month"),
    "global_holdout_percent": pgettext_lazy("audit", "Held out, %"),
    "id": gettext_lazy("Number"),
    "is_active": pgettext_lazy("audit", "Active"),
    "is_open": pgettext_lazy("audit", "Open"),
    "is_published": pgettext_lazy("audit", "Published"),
    "key": pgettext_lazy("audit", "Key"),
    "kind": pgettext_lazy("audit", "Kind"),
    "last_month": pgettext_lazy("audit", "Until the month"),
    "member": gettext_lazy("Member"),
    "members": gettext_lazy("Members"),
    "month": pgettext_lazy("audit", "Month"),
    "name": pgettext_lazy("audit", "Name"),
    "note": gettext_lazy("Note"),
    "number": gettext_lazy("Number"),
    "percent": pgettext_lazy("audit", "Percent"),
    "points": gettext_lazy("Points"),
    "quiet": pgettext_lazy("audit", "Quiet hours"),
    "rate": pgettext_lazy("audit", "How much"),
    "reason": gettext_lazy("Reason"),
    "region": gettext_lazy("region"),
    "role": pgettext_lazy("audit", "Role"),
    "rows": pgettext_lazy("audit", "Rows"),
    "source": pgettext_lazy("audit", "Source"),
    "staff": gettext_lazy("Staff"),
    "starts_at": pgettext_lazy("audit", "Begins"),
    "state": pgettext_lazy("audit", "State"),
    "status": pgettext_lazy("audit", "State"),
    "store": gettext_lazy("Store"),
    "until": pgettext_lazy("audit", "Until"),
    "user": pgettext_lazy("audit", "Account"),
    "value": pgettext_lazy("audit", "Value"),
    "version": pgettext_lazy("audit", "Version"),
    "week_cap": pgettext_lazy("audit", "A week"),
    "way": pgettext_lazy("audit", "How"),
}
_NAMED: dict[str, type[Any]] = {
    "store": Store, "staff": Staff, "region": Region, "user": User, "set_by": User, "made_by": User, "created_by": User,
}  # fmt: skip
LONGEST = 300
_NOISE = {"changed_at", "updated_at"}  # the line's own time says it


def changes(rows: Iterable[Row]) -> dict[int, list[tuple[str, str, str]]]:
    """Line → (name, before, after) of each fact that differs; "" where there was none. Names of people and places in three queries."""
    kept = list(rows)
    names = _names(kept)
    return {row["id"]: _changed(row, names) for row in kept}


def value(said: Any) -> str:
    """Anything a line may hold, in a sentence or so."""
    if said is None or said == "":
        return "–"
    if isinstance(said, bool):
        return _("yes") if said else _("no")
    if isinstance(said, Mapping):
        return "; ".join(f"{label(str(key))}: {value(inner)}" for key, inner in said.items()) or "–"
    if isinstance(said, list | tuple):
        return _(", ").join(value(one) for one in said) or "–"
    text = str(said)
    moment = _moment(text) if isinstance(said, str) else None
    if moment:
        return f"{clock.local(moment):%Y-%m-%d %H:%M:%S}"
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def label(key: str, table: str = "") -> str:
    """The field's own name where its table has words for it; else the usual one; else as it is written."""
    name = key.removesuffix("_id")
    own = _columns().get(table, {}).get(key)
    if own is not None and own[0] is not None:
        return str(own[0])
    if key.endswith("_cents"):
        return str(FIELDS.get(key.removesuffix("_cents"), FIELDS["amount"]))
    return str(FIELDS.get(name, key))


def _changed(row: Row, names: Mapping[tuple[str, int], str]) -> list[tuple[str, str, str]]:
    before, after = row["before"], row["after"]
    was: Mapping[str, Any] = before if isinstance(before, dict) else {}
    now: Mapping[str, Any] = after if isinstance(after, dict) else {}
    table = row["object_type"]
    found = []
    for key in [*was, *(key for key in now if key not in was)]:
        if key in _NOISE or (key in was and key in now and was[key] == now[key]):
            continue
        old, new = (_told(table, key, side[key], names) if key in side else "" for side in (was, now))
        found.append((label(key, table), old, new))
    return found


def _told(table: str, key: str, said: Any, names: Mapping[tuple[str, int], str]) -> str:
    name = key.removesuffix("_id")
    if isinstance(said, int) and not isinstance(said, bool):
        if (name, said) in names:
            return names[name, said]
        if key.endswith("cents"):
            return money.show(said)
    own = _columns().get(table, {}).get(key)
    if own is not None and isinstance(said, str) and said in own[1]:
        return str(own[1][said])
    return value(said)


@cache
def _columns() -> dict[str, dict[str, tuple[Promise | None, dict[Any, Any]]]]:
    """Table → column → (its name, where somebody gave it one, and its choices in words)."""
    return {
        model._meta.db_table: {
            field.attname: (
                field.verbose_name if isinstance(field.verbose_name, Promise) else None,
                dict(field.flatchoices),
            )
            for field in model._meta.concrete_fields
        }
        for model in apps.get_models()
    }


def _names(rows: Iterable[Row]) -> dict[tuple[str, int], str]:
    wanted: dict[str, set[int]] = {}
    for row in rows:
        for side in (row["before"], row["after"]):
            if isinstance(side, dict):
                for key, said in side.items():
                    name = key.removesuffix("_id")
                    if name in _NAMED and isinstance(said, int) and not isinstance(said, bool):
                        wanted.setdefault(name, set()).add(said)
    return {
        (name, key): str(one)
        for name, keys in wanted.items()
        for key, one in _NAMED[name].objects.in_bulk(keys).items()
    }


def _moment(text: str) -> datetime | None:
    if len(text) < 19 or text[10:11] not in {"T", " "}:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
