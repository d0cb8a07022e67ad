"""What a new brand does first: stores, people, tiers, a journey. Where each stands is read from what there is; skipping is noted."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.care.models import Journey
from apps.core import csv_files
from apps.core.errors import ValidationFailed
from apps.members.models import Member
from apps.stores import opening
from apps.stores.models import Role, Staff, Store
from apps.stores.opening import NewPerson, NewStore

PERMISSION = "records.manage"
MOST, MOST_BYTES = 2_000, 1_000_000
STORE_COLUMNS, STAFF_COLUMNS = ("code", "name", "region"), ("number", "name", "role", "store")


@dataclass(frozen=True, kw_only=True)
class Step:
    """`state`: done, seen, skipped, or "" while it is open."""

    key: str
    title: str | Promise
    about: str | Promise
    state: str

    @property
    def is_open(self) -> bool:
        return not self.state


_TOLD: dict[str, tuple[Promise, Promise]] = {
    "stores": (
        pgettext_lazy("first step", "Stores"),
        gettext_lazy("Where members shop. Codes are what tills and files say."),
    ),
    "staff": (
        pgettext_lazy("first step", "People"),
        gettext_lazy("Who works where. Orders name them as guides; who comes to the back office gets a log-in."),
    ),
    "tiers": (
        pgettext_lazy("first step", "Tiers"),
        gettext_lazy("Four are there to begin with. Look whether they fit."),
    ),
    "journey": (
        pgettext_lazy("first step", "The first journey"),
        gettext_lazy("Messages that go out by themselves, such as a welcome. Nothing is sent before you publish it."),
    ),
}
_DONE: dict[str, Callable[[], bool]] = {
    "stores": lambda: Store.objects.filter(is_warehouse=False).exists(),
    "staff": lambda: Staff.objects.filter(is_active=True, store__isnull=False).exists(),
    "tiers": lambda: Member.objects.exists(),  # with members there, tiers are at work
    "journey": lambda: Journey.objects.exists(),
}


def steps() -> list[Step]:
    marks = opening.marks()
    return [
        Step(key=key, title=title, about=about, state="done" if _DONE[key]() else marks.get(key, ""))
        for key, (title, about) in _TOLD.items()
    ]


def left(request: HttpRequest) -> list[Step]:
    """For the dashboard: all of them while one is open, for whoever may do them; then none."""
    if not request.access.can(PERMISSION):  # type: ignore[attr-defined]
        return []
    found = steps()
    return found if any(step.is_open for step in found) else []


def read_stores(file: Any) -> tuple[list[NewStore], list[tuple[int, str]]]:
    lines, faults = _lines(file, needed={"code", "name"})
    found = [NewStore(code=line["code"], name=line["name"], region=line.get("region", "")) for line in lines]
    faults += [
        (number, _("A store needs a code of at most 40 and a name of at most 80 characters."))
        for number, one in enumerate(found, start=2)
        if not 0 < len(one.code) <= 40 or not 0 < len(one.name) <= 80 or len(one.region) > 60
    ]
    return found, faults


def read_people(file: Any) -> tuple[list[NewPerson], list[tuple[int, str]]]:
    lines, faults = _lines(file, needed={"number", "name"})
    words = {str(label): value for value, label in Role.choices}
    found = [
        NewPerson(
            code=line["number"], name=line["name"], store=line.get("store", ""),
            role=words.get(line.get("role", ""), line.get("role", "").lower() or Role.CLERK),
        )
        for line in lines
    ]  # fmt: skip
    faults += [
        (number, _("A person needs a number of at most 40 and a name of at most 60 characters."))
        for number, one in enumerate(found, start=2)
        if not 0 < len(one.code) <= 40 or not 0 < len(one.name) <= 60
    ]
    return found, faults


def faults_of(refusal: ValidationFailed) -> list[tuple[int, str]]:
    """With the row numbers of the file, whose first line names the columns."""
    errors: Any = refusal.facts["errors"]
    return [(int(error["pointer"]) + 2, error["message"]) for error in errors]


def _lines(file: Any, *, needed: set[str]) -> tuple[list[dict[str, str]], list[tuple[int, str]]]:
    if file is None or file.size > MOST_BYTES:
        return [], [(0, _("A CSV file of at most 1 MB is expected."))]
    read = csv.DictReader(io.StringIO(csv_files.text_of(file.read())))
    if not set(read.fieldnames or ()) >= needed:
        return [], [(1, _("The first line has to name the columns: %(names)s.") % {"names": ", ".join(sorted(needed))})]
    found = [{name: (text or "").strip().lstrip("'") for name, text in line.items() if name} for line in read]
    if not found:
        return [], [(0, _("The file has no rows."))]
    if len(found) > MOST:
        return [], [(0, _("A file has %(most)s rows at most.") % {"most": MOST})]
    return found, []
