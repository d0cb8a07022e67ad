"""Prices as a file of a spreadsheet: the columns of the export are those of the import. All rows count, or none."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.catalog import deciding, intake
from apps.catalog.intake import Item
from apps.catalog.models import MOST_CENTS, Product
from apps.catalog.prices import Terms, Who, Wish
from apps.core import clock, csv_files, money
from apps.core.models import User

COLUMNS = (
    "sku", "name", "category", "brand", "kind", "yuan", "label", "audience", "store", "channel", "from", "to", "weekdays", "hours",
)  # fmt: skip
MOST, MOST_BYTES = 2_000, 1_000_000
SOURCE = "file"


@dataclass
class Read:
    """`faults`: row number of the file and what is wrong with it."""

    items: list[tuple[Item, Wish]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


def row(one: dict[str, Any], *, kind: str) -> list[object]:
    """Of the list, as `read` takes it."""
    hours = " ".join(f"{a}-{b}" for a, b in one["hours"])
    return [
        one["sku"], one["name"], "", "", kind, money.yuan(one["cents"]), one["label"], one["audience"], one["store"], one["channel"],
        _shown(one["starts_at"]), _shown(one["ends_at"]), " ".join(map(str, one["weekdays"])), hours,
    ]  # fmt: skip


def read(file: Any) -> Read:
    """UTF-8 or GB18030, with a line of column names; `sku` and `yuan` are needed."""
    found = Read()
    if file is None or file.size > MOST_BYTES:
        found.faults.append((0, _("A CSV file of at most 1 MB is expected.")))
        return found
    lines = csv.DictReader(io.StringIO(csv_files.text_of(file.read())))
    if not {"sku", "yuan"} <= set(lines.fieldnames or ()):
        found.faults.append((1, _("The first line has to name the columns: sku and yuan at least.")))
        return found
    for number, line in enumerate(_some(lines), start=2):
        try:
            found.items.append(_item({name: (text or "").strip().lstrip("'") for name, text in line.items() if name}))
        except ValueError as fault:
            found.faults.append((number, str(fault)))
    if len(found.items) > MOST:
        found.faults.append((0, _("A file has %(most)s rows at most.") % {"most": MOST}))
    if not found.items and not found.faults:
        found.faults.append((0, _("The file has no rows.")))
    return found


def put(read: Read, *, by: User) -> deciding.Outcome:
    """Products first, which no second person is asked for; then all prices at once. Raises what prices refuse; nothing is kept then."""
    who = Who(by, None, SOURCE)
    with transaction.atomic():
        for item, _wish in read.items:
            if item.name or not Product.objects.filter(sku=item.sku).exists():
                intake.take(item, who=who)
        return deciding.put([wish for _item, wish in read.items], by=by, source=SOURCE, takes_over=True)


def _some(lines: Iterable[dict[str, str]]) -> Iterable[dict[str, str]]:
    for number, line in enumerate(lines):
        if number > MOST:
            return
        yield line


def _item(said: dict[str, str]) -> tuple[Item, Wish]:
    sku = said.get("sku", "")
    if not 1 <= len(sku) <= 60:
        raise ValueError(_("The SKU is missing or too long."))
    try:
        cents = money.cents(said.get("yuan", ""))
    except ValueError:
        raise ValueError(_("Enter an amount such as 12.50.")) from None
    if not 0 <= cents <= MOST_CENTS:
        raise ValueError(_("Enter an amount such as 12.50."))
    kind = said.get("kind") or "list"
    if kind not in {"list", "special"}:
        raise ValueError(_("The kind is list or special."))
    item = Item(
        sku,
        said.get("name", "")[:120] or None,
        said.get("category", "")[:80] or None,
        said.get("brand", "")[:60] or None,
    )
    starts = _moment(said.get("from", ""), is_end=False)
    if starts is not None and starts <= clock.now():
        starts = None  # an export says when it began
    if kind == "list":
        return item, Wish(sku, cents, True, terms=Terms(starts_at=starts))
    terms = Terms(
        audience=said.get("audience", "")[:20], store=said.get("store", "")[:40], channel=said.get("channel", "")[:40],
        starts_at=starts, ends_at=_moment(said.get("to", ""), is_end=True), weekdays=_days(said.get("weekdays", "")),
        hours=_hours(said.get("hours", "")),
    )  # fmt: skip
    return item, Wish(sku, cents, False, said.get("label", "")[:60], terms)


def _shown(moment: datetime | None) -> str:
    return clock.local(moment).strftime("%Y-%m-%dT%H:%M:%S") if moment else ""


def _moment(text: str, *, is_end: bool) -> datetime | None:
    if not text:
        return None
    try:
        return clock.end_of(text) if is_end else clock.start_of(text)
    except (ValueError, OverflowError):
        raise ValueError(_("This day or moment does not exist.")) from None


def _days(text: str) -> tuple[int, ...]:
    if not set(text) <= set("1234567 ,"):
        raise ValueError(_("Days of the week are numbers from 1, Monday, to 7."))
    return tuple(sorted({int(one) for one in text if one.isdigit()}))


def _hours(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in text.split():
        start, _dash, until = part.partition("-")
        try:
            found.append((f"{datetime.strptime(start, '%H:%M'):%H:%M}", f"{datetime.strptime(until, '%H:%M'):%H:%M}"))  # noqa: DTZ007
        except ValueError:
            raise ValueError(_("Hours look like 18:00-20:00.")) from None
    return tuple(found)
