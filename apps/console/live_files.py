"""Files of a platform after a stream: who watched, and which orders came of it. All that is known counts; the rest is told."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.core import csv_files
from apps.members import phones
from apps.members import selectors as members
from apps.members.errors import PhoneInvalid
from apps.members.models import Member

MOST, MOST_BYTES = 20_000, 5_000_000
VIEWERS, SALES = ("member", "seconds", "comments"), ("source", "order_no")


@dataclass
class Read:
    """`faults`: what is wrong with the file itself; `unknown`: members or numbers that nobody knows."""

    viewers: dict[int, tuple[int, int]] = field(default_factory=dict)
    orders: list[tuple[str, str]] = field(default_factory=list)
    unknown: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)


def viewers(file: Any) -> Read:
    """`member` is a member number or a phone."""
    found = Read()
    for number, said in _lines(file, VIEWERS[:2], found):
        seconds, comments = said.get("seconds", ""), said.get("comments", "") or "0"
        if not (_is_number(seconds) and _is_number(comments)):
            found.faults.append((number, _("Seconds and comments are whole numbers.")))
            continue
        member_id = _member(said.get("member", ""))
        if member_id is None:
            found.unknown += 1
        else:
            found.viewers[member_id] = (min(int(seconds), 86_400), int(comments))
    return found


def sales(file: Any) -> Read:
    found = Read()
    found.orders = [(said.get("source", ""), said.get("order_no", "")) for _n, said in _lines(file, SALES, found)]
    return found


def _lines(file: Any, needed: tuple[str, ...], found: Read) -> list[tuple[int, dict[str, str]]]:
    if file is None or file.size > MOST_BYTES:
        found.faults.append((0, _("A CSV file of at most 5 MB is expected.")))
        return []
    reader = csv.DictReader(io.StringIO(csv_files.text_of(file.read()).replace("\0", "")))
    if not set(reader.fieldnames or ()) >= set(needed):
        text = _("The first line has to name the columns: %(columns)s.")
        found.faults.append((1, text % {"columns": ", ".join(needed)}))
        return []
    rows = [
        (number, {name: (text or "").strip().lstrip("'") for name, text in line.items() if isinstance(name, str)})
        for number, line in enumerate(reader, start=2)
    ]
    if len(rows) > MOST:
        found.faults.append((0, _("A file has %(most)s rows at most.") % {"most": MOST}))
        return []
    return rows


def _member(text: str) -> int | None:
    known = Member.objects.filter(member_no=text[:40]).values_list("pk", flat=True).first() if text else None
    if known is not None:
        return members.current_id(known)
    try:
        owner = members.find_by_phone(phones.normal(text))
    except PhoneInvalid:
        return None
    return members.current_id(owner) if owner else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
