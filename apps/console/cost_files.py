"""Marketing costs as a file of a spreadsheet: the columns of the export are those of the import. All rows count, or none."""

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from apps.care.campaigns import costs
from apps.care.campaigns.costs import Entry
from apps.care.models import Cost
from apps.core import clock, csv_files, money

COLUMNS = ("campaign", "channel", "day", "yuan", "note", "number")
NEEDED = {"campaign", "channel", "day", "yuan"}
MOST, MOST_BYTES = 5_000, 1_000_000


@dataclass
class Read:
    """`faults`: row number of the file and what is wrong with it."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


def read(file: Any) -> Read:
    """UTF-8 or GB18030, the first line names the columns. A row without a number is known by what it says, and how often it says it."""
    found = Read()
    if file is None or file.size > MOST_BYTES:
        found.faults.append((0, _("A CSV file of at most 1 MB is expected.")))
        return found
    lines = csv.DictReader(io.StringIO(csv_files.text_of(file.read())))
    if not set(lines.fieldnames or ()) >= NEEDED:
        found.faults.append((1, _("The first line has to name the columns: campaign, channel, day and yuan.")))
        return found
    known, alike = {key for key, _name in costs.names()}, Counter[str]()
    for number, line in enumerate(lines, start=2):
        if number > MOST + 1:
            found.faults.append((0, _("A file has %(most)s rows at most.") % {"most": MOST}))
            break
        said = {name: (text or "").strip().lstrip("'") for name, text in line.items() if name}
        try:
            found.entries.append(_entry(said, known=known, alike=alike))
        except ValueError as fault:
            found.faults.append((number, str(fault)))
    if not found.entries and not found.faults:
        found.faults.append((0, _("The file has no rows.")))
    return found


def _entry(said: dict[str, str], *, known: set[str], alike: Counter[str]) -> Entry:
    about, channel = said["campaign"], said["channel"].lower()
    if about not in known:
        raise ValueError(_("No campaign, journey or policy has the key “%(key)s”.") % {"key": about[:60]})
    if channel not in Cost.Channel.values:
        raise ValueError(_("The channel is one of %(channels)s.") % {"channels": ", ".join(Cost.Channel.values)})
    day, amount, note = _day(said["day"]), _amount(said["yuan"]), said.get("note", "")[:200]
    source = said.get("number", "")[:100]
    if not source:
        words = "|".join((about, channel, day.isoformat(), str(amount), note))
        alike[words] += 1
        source = "row:" + hashlib.sha256(f"{words}|{alike[words]}".encode()).hexdigest()[:40]
    return Entry(about, channel, day, amount, source, note)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise ValueError(_("A day looks like 2026-11-30.")) from None
    if not date(2000, 1, 1) <= day <= clock.local_date(clock.now()):
        raise ValueError(_("The day lies in the future, or too far back."))
    return day


def _amount(text: str) -> int:
    try:
        amount = money.cents(text)
    except ValueError:
        amount = 0
    if not 0 < amount <= costs.MOST_CENTS:
        raise ValueError(_("Enter an amount such as 12.50."))
    return amount
