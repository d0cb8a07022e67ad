"""Targets as a file of a spreadsheet: the columns of the export are those of the import. All rows count, or none."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.analytics.house import figures, targets
from apps.analytics.house.figures import GOALS
from apps.analytics.house.targets import Place, Wish
from apps.analytics.models import Target
from apps.console import month_asked
from apps.core import csv_files
from apps.stores.access import Access
from apps.stores.models import Region, Staff, Store

COLUMNS = ("month", "level", "code", "channel", "figure", "target")
LEVELS = ("brand", "region", "store", "staff")
NEEDED = {"month", "level", "code", "figure", "target"}
MOST, MOST_BYTES = 5_000, 1_000_000


def read(file: Any, *, by: Access) -> tuple[list[Wish], list[tuple[int, str]]]:
    """Wishes, and what is wrong: row number of the file and why. UTF-8 or GB18030, the first line names the columns."""
    if file is None or file.size > MOST_BYTES:
        return [], [(0, _("A CSV file of at most 1 MB is expected."))]
    lines = csv.DictReader(io.StringIO(csv_files.text_of(file.read())))
    if not set(lines.fieldnames or ()) >= NEEDED:
        return [], [(1, _("The first line has to name the columns: month, level, code, figure and target."))]
    found, faults, seen = [], [], dict[tuple[Any, ...], int]()
    known = _Known()
    for number, line in enumerate(lines, start=2):
        if number > MOST + 1:
            return [], [(0, _("A file has %(most)s rows at most.") % {"most": MOST})]
        said = {name: (text or "").strip().lstrip("'") for name, text in line.items() if name}
        try:
            wish = _wish(said, known=known, by=by)
            first = seen.setdefault((wish.month, wish.figure, wish.place), number)
            if first != number:
                raise ValueError(_("Row %(n)s says the same target already.") % {"n": first})
            found.append(wish)
        except ValueError as fault:
            faults.append((number, str(fault)))
    if not found and not faults:
        faults.append((0, _("The file has no rows.")))
    return found, faults


def lines(rows: Sequence[Target]) -> list[list[object]]:
    return [
        [f"{row.month:%Y-%m}", *_coded(row), row.channel, row.figure, figures.plain(row.figure, row.value)]
        for row in rows
    ]


class _Known:
    """Codes of files → ids, read once."""

    def __init__(self) -> None:
        self.regions = dict(Region.objects.values_list("name", "pk"))
        self.stores = dict(Store.objects.values_list("code", "pk"))
        self.staff = dict(Staff.objects.values_list("code", "pk"))

    def place(self, level: str, code: str, channel: str) -> Place | None:
        if level == "brand":
            return Place(channel=channel)
        key = {"region": self.regions, "store": self.stores, "staff": self.staff}[level].get(code)
        return Place(**{f"{level}_id": key}, channel=channel) if key else None


def _wish(said: dict[str, str], *, known: _Known, by: Access) -> Wish:
    month, level, figure = month_asked.read(said["month"]), said["level"].lower(), said["figure"]
    channel = said.get("channel", "")[:40]
    if month is None:
        raise ValueError(_("A month looks like 2026-11."))
    if level not in LEVELS:
        raise ValueError(_("The level is one of %(levels)s.") % {"levels": ", ".join(LEVELS)})
    goal = GOALS.get(figure)
    if goal is None:
        raise ValueError(_("No figure is called “%(name)s”.") % {"name": figure[:60]})
    place = known.place(level, said["code"], channel)
    if place is None or not targets.settable(place, by=by):
        raise ValueError(_("Nothing of yours has the code “%(code)s” on this level.") % {"code": said["code"][:60]})
    if (place.staff_id and (not goal.of_people or channel)) or (channel and not goal.has_channels):
        raise ValueError(_("This figure is not counted by person, or not by channel."))
    if goal.of_brand and place != targets.BRAND:
        raise ValueError(_("This figure is of the brand as a whole."))
    text = said["target"]
    try:
        value = figures.read(figure, text) if text else None
    except ValueError:
        raise ValueError(_("“%(text)s” is no target of this figure.") % {"text": text[:40]}) from None
    return Wish(month=month, figure=figure, place=place, value=value)


def _coded(row: Target) -> tuple[str, str]:
    if row.staff:
        return "staff", row.staff.code
    if row.store:
        return "store", row.store.code
    return ("region", row.region.name) if row.region else ("brand", "")
