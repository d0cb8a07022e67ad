"""Prices as a file of a spreadsheet: the columns of the export are those of the import.

Up to MOST rows count all or none, at once; what goes deeper than one person may waits for a second one. A larger file is a job: each
good row counts, the others come back as a file that says why, those among them that a second person would have to agree to.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.catalog import barcodes, deciding, intake, selectors
from apps.catalog.errors import BarcodeInvalid, PriceFileWithoutHead
from apps.catalog.intake import Item
from apps.catalog.models import MOST_CENTS, Product
from apps.catalog.prices import Terms, Who, Wish
from apps.core import clock, csv_files, jobs, money, requests
from apps.core.errors import DomainError
from apps.core.models import Job, User

COLUMNS = (
    "sku", "name", "category", "brand", "barcode", "kind", "yuan", "label", "audience", "store", "channel", "from", "to",
    "weekdays", "hours",
)  # fmt: skip
MOST, MOST_BYTES = 2_000, 1_000_000
MOST_BYTES_OF_JOB, CHUNK = 40_000_000, 200
SOURCE = "file"
KIND = "catalog.price_file"
Row = dict[str, str]


@dataclass
class Read:
    """`faults`: row number of the file and what is wrong with it."""

    items: list[tuple[Item, Wish]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


def row(one: dict[str, Any], *, kind: str) -> list[object]:
    """Of the list, as `read` takes it."""
    hours = " ".join(f"{a}-{b}" for a, b in one["hours"])
    return [
        one["sku"], one["name"], "", "", "", kind, money.yuan(one["cents"]), one["label"], one["audience"], one["store"],
        one["channel"], _shown(one["starts_at"]), _shown(one["ends_at"]), " ".join(map(str, one["weekdays"])), hours,
    ]  # fmt: skip


def is_large(file: Any) -> bool:
    """Whether it is a job's. It is read from its beginning afterwards."""
    if file is None or file.size > MOST_BYTES_OF_JOB:
        return False
    lines = sum(chunk.count(b"\n") for chunk in file.chunks())
    file.seek(0)
    return bool(file.size > MOST_BYTES or lines > MOST + 1)


def read(file: Any) -> Read:
    """UTF-8 or GB18030, with a line of column names; `sku` and `yuan` are needed."""
    found = Read()
    if file is None or file.size > MOST_BYTES:
        found.faults.append((0, _("A CSV file of at most 40 MB is expected.")))
        return found
    lines = csv.DictReader(io.StringIO(csv_files.text_of(file.read())))
    if not _has_head(lines):
        found.faults.append((1, str(PriceFileWithoutHead())))
        return found
    for number, line in enumerate(_some(lines), start=2):
        try:
            found.items.append(_item(_clean(line)))
        except ValueError as fault:
            found.faults.append((number, str(fault)))
    if len(found.items) > MOST:
        found.faults.append((0, _("A file has %(most)s rows at most.") % {"most": MOST}))
    if not found.items and not found.faults:
        found.faults.append((0, _("The file has no rows.")))
    return found


def start(*, path: Path, file_name: str, by: User) -> Job:
    """Take in a file that was kept, by job."""
    return jobs.start(kind=KIND, params={"path": str(path), "file_name": file_name}, user_id=by.pk)


@jobs.runner(KIND)
def run(job: Job) -> dict[str, Any]:
    """Begun again, it goes through the file again: what counts already changes nothing. Numbers of rows are those of the file."""
    by: User = job.created_by  # type: ignore[assignment]
    text = csv_files.text_of(Path(job.params["path"]).read_bytes())
    lines = csv.DictReader(io.StringIO(text))
    if not _has_head(lines):
        raise PriceFileWithoutHead
    total, made, seen, bad = max(text.count("\n") - 1, 1), 0, 0, 0
    path = jobs.result_path(f"prices-{job.pk}-rejected.csv")
    with requests.acting(actor=f"user:{by.pk}"), jobs.private(path) as file:
        file.write("\ufeff")
        out = csv.writer(file)
        out.writerow(["row", "why", *COLUMNS])
        for chunk in _chunks(lines):
            done = _take(chunk, by=by)
            made, seen, bad = made + done.made, seen + len(chunk), bad + len(done.refused)
            for number, line, why in done.refused:
                out.writerow([number, why, *(csv_files.cell(line.get(name, "")) for name in COLUMNS)])
            jobs.report(job, done=seen, total=max(total, seen), bad=bad)
    Job.objects.filter(pk=job.pk).update(result_file=path.name if bad else "")
    return {"rows": seen, "prices": made, "rejected": bad}


@dataclass
class _Taken:
    made: int = 0
    refused: list[tuple[int, Row, str]] = field(default_factory=list)


def _take(chunk: list[tuple[int, Row]], *, by: User) -> _Taken:
    """A chunk in one transaction; where prices refuse one of its rows, row by row, so that the others count."""
    taken, good, most = _Taken(), list[tuple[int, Row, Item, Wish]](), deciding.limit(by)
    lists = selectors.list_cents([line.get("sku", "") for _number, line in chunk], moment=clock.now())
    for number, line in chunk:
        try:
            item, wish = _item(line)
            if deciding.depth(wish, lists) > most:
                raise ValueError(_("A second person has to agree to this price: take it in with at most 2,000 rows."))
            good.append((number, line, item, wish))
        except ValueError as fault:
            taken.refused.append((number, line, str(fault)))
    try:
        taken.made = _put([(item, wish) for _number, _line, item, wish in good], by=by).made if good else 0
    except DomainError:
        for number, line, item, wish in good:
            try:
                taken.made += _put([(item, wish)], by=by).made
            except DomainError as refusal:
                taken.refused.append((number, line, str(refusal)))
    taken.refused.sort(key=lambda one: one[0])
    return taken


def _chunks(lines: "csv.DictReader[str]") -> Iterator[list[tuple[int, Row]]]:
    chunk = []
    for number, line in enumerate(lines, start=2):
        chunk.append((number, _clean(line)))
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _has_head(lines: "csv.DictReader[str]") -> bool:
    return {"sku", "yuan"} <= set(lines.fieldnames or ())


def _clean(line: dict[str, str]) -> Row:
    return {name: (text or "").strip().lstrip("'") for name, text in line.items() if name}


def put(read: Read, *, by: User) -> deciding.Outcome:
    """Products first, which no second person is asked for; then all prices at once. Raises what prices refuse; nothing is kept then."""
    return _put(read.items, by=by)


def _put(items: list[tuple[Item, Wish]], *, by: User) -> deciding.Outcome:
    who = Who(by, None, SOURCE)
    with transaction.atomic():
        for item, _wish in items:
            if item.name or item.barcode or not Product.objects.filter(sku=item.sku).exists():
                intake.take(item, who=who)
        return deciding.put([wish for _item, wish in items], by=by, source=SOURCE, takes_over=True)


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
        barcode=said.get("barcode") or None,
    )
    if item.barcode and not barcodes.read(item.barcode):
        raise ValueError(str(BarcodeInvalid(text=item.barcode)))
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
