"""A draft as the lines of the list: day and hour of each step, its words, what is wrong with it, and the ways out of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from apps.care import templates
from apps.care.journeys import graph, shaping
from apps.care.journeys.shaping import Row
from apps.console import journey_words as words
from apps.console.journey_form import ENDS, ENTRY, FORMS, EntryForm, StepForm
from apps.console.policy_form import VARIABLE_WORDS
from apps.core import brand as house
from apps.core import money
from apps.core.errors import ValidationFailed
from apps.gateways import sms


@dataclass(frozen=True)
class Clock:
    """When a member stands there: days since they came in, or since `anchor`; the hour if a wait ends at one."""

    days: int = 0
    hour: int | None = None
    anchor: str = ""

    def after(self, raw: dict[str, Any], brand: words.Brand) -> "Clock":
        if raw["kind"] == "await":
            return replace(self, days=self.days + _whole(raw.get("days")), hour=None)
        given = raw.get("for") if raw["kind"] == "wait" else None
        if not isinstance(given, dict):
            return self
        hour = given.get("hour") if isinstance(given.get("hour"), int) else None
        if given.get("kind") == "weekday":
            days = _(", ").join(str(words.WEEKDAYS.get(day, day)) for day in given.get("weekdays", []))
            return Clock(hour=hour, anchor=days)
        if given.get("kind") == "date":
            return Clock(hour=hour, anchor=words.date_of(given, brand))
        return replace(self, days=self.days + _whole(given.get("days")), hour=hour)

    @property
    def day(self) -> str:
        if self.anchor and not self.days:
            return self.anchor
        if self.anchor:
            return _("%(days)s days later") % {"days": self.days}
        return pgettext("journey", "Day %(days)s") % {"days": self.days}


@dataclass
class WayLine:
    name: str
    label: str
    to: str
    lines: list["Line"] = field(default_factory=list)
    lands: str = ""  # the step it goes on at, when that is not simply the next line
    is_end: bool = False


@dataclass
class Line:
    """`number` counts the steps that give something. `form` is there for the step that is open."""

    key: str
    raw: dict[str, Any]
    icon: str
    number: str
    title: str
    badges: list[tuple[str, str]]
    says: Any
    note: str
    day: str
    hour: str
    is_quiet: bool
    up: str
    down: str
    ways: list[WayLine] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    form: StepForm | None = None
    rules: list[tuple[str, str, str]] = field(default_factory=list)  # pointer, whose, sentence

    @property
    def waits_for_date(self) -> bool:
        return shaping.waits_for_date(self.raw)

    @property
    def kind_word(self) -> str:
        return str(words.KINDS.get(self.raw["kind"], self.raw["kind"]))


@dataclass
class Page:
    """`wrong` and `advice` by place: a step's key, `ENTRY`, `ENDS`, or "" for the whole. `graph` is None while something is wrong."""

    lines: list[Line]
    lost: list[Line]
    wrong: dict[str, list[str]]
    advice: dict[str, list[str]]
    graph: graph.Graph | None

    @property
    def all(self) -> list[Line]:
        return [*_flat(self.lines), *self.lost]

    @property
    def count_wrong(self) -> int:
        return sum(len(found) for found in self.wrong.values())


def page(draft: dict[str, Any], brand: words.Brand, *, opened: str = "", form: StepForm | None = None) -> Page:
    whole, wrong, advice = _judged(draft)
    rows, lost = shaping.read(draft)
    count = iter(range(1, 1000))
    maker = _Maker(draft, brand, wrong, advice, count, opened, form)
    lines = maker.lines(rows, Clock())
    return Page(lines, [maker.line(row, Clock()) for row in lost], wrong, advice, whole)


@dataclass
class _Maker:
    draft: dict[str, Any]
    brand: words.Brand
    wrong: dict[str, list[str]]
    advice: dict[str, list[str]]
    count: Iterator[int]
    opened: str
    form: StepForm | None

    def lines(self, rows: list[Row], at: Clock) -> list[Line]:
        found = []
        for row in rows:
            found.append(self.line(row, at))
            at = at.after(row.raw, self.brand)
        return found

    def line(self, row: Row, at: Clock) -> Line:
        raw = row.raw
        is_quiet = raw["kind"] in words.QUIET
        line = Line(
            key=row.key, raw=raw, icon=words.icon(raw), number="" if is_quiet else words.number(next(self.count)),
            title=words.title(raw),
            badges=words.badges(raw, self.brand), says=words.says(raw, self.brand), note=note(raw), day="" if is_quiet else at.day,
            hour="" if is_quiet else hour(raw, at), is_quiet=is_quiet, up=row.up, down=row.down,
            wrong=self.wrong.get(row.key, []), advice=self.advice.get(row.key, []), rules=list(self._rules(raw)),
        )  # fmt: skip
        if row.key == self.opened:
            line.form = self.form
        below, nodes = at.after(raw, self.brand), shaping.by_key(self.draft)
        for way in row.ways:
            shown = WayLine(way.name, words.way(raw, way.name, self.brand), way.to)
            shown.lines = self.lines(way.rows, below if way.name != "met" else at)
            target = nodes.get(way.lands)
            if target is not None and way.lands != row.joins:
                shown.is_end = target["kind"] == "exit"
                shown.lands = (
                    words.title(target) if target.get("name") or not shown.is_end else str(_("End of the walk"))
                )
            line.ways.append(shown)
        return line

    def _rules(self, raw: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        place = self.draft["nodes"].index(raw)
        for n, part in enumerate(raw.get("ways") or []):
            yield (
                f"/nodes/{place}/ways/{n}/rule",
                words.way(raw, str(n + 1), self.brand),
                self.brand.rule(part.get("rule") or {}),
            )
        what: Any = raw.get("what") if isinstance(raw.get("what"), dict) else {}
        if what.get("kind") == "rule":
            yield f"/nodes/{place}/what/rule", words.title(raw), self.brand.rule(what.get("rule") or {})


def hour(raw: dict[str, Any], at: Clock) -> str:
    if raw["kind"] == "send":
        if raw.get("is_own_hour"):
            return _("own hour")
        return f"{_whole(raw.get('send_hour', 10)):02}:00"
    return "" if at.hour is None else f"{at.hour:02}:00"


def note(raw: dict[str, Any]) -> str:
    """Length and price of an SMS, with a word in the place of each value."""
    if raw["kind"] != "send" or raw.get("channel") != "sms" or not raw.get("template"):
        return ""
    try:
        parts = list(templates.parse(raw["template"]))
    except (templates.BadTemplate, TypeError):
        return ""
    parts[1::2] = ["四个汉字" if name in ("nickname", "orders") else str(VARIABLE_WORDS[name]) for name in parts[1::2]]
    text = templates.composed("".join(parts), channel="sms")
    count = sms.segments(text)
    facts = {"length": len(text), "count": count, "cost": money.show(count * house.read("care.sms_price_cents"))}
    if len(parts) > 1:
        return _("about %(length)s characters, billed as %(count)s, %(cost)s each") % facts
    return _("%(length)s characters, billed as %(count)s, %(cost)s each") % facts


def ends(draft: dict[str, Any], brand: words.Brand) -> list[dict[str, Any]]:
    found = []
    for n, one in enumerate(draft.get("ends") or []):
        when: Any = one.get("when") if isinstance(one, dict) and isinstance(one.get("when"), dict) else {}
        is_rule = when.get("kind") == "rule"
        found.append({
            "n": n, "says": words.end(when, brand), "is_goal": bool(isinstance(one, dict) and one.get("is_goal")),
            "pointer": f"/ends/{n}/when/rule" if is_rule else "",
        })  # fmt: skip
    return found


def _judged(draft: dict[str, Any]) -> tuple[graph.Graph | None, dict[str, list[str]], dict[str, list[str]]]:
    wrong: dict[str, list[str]] = {}
    advice: dict[str, list[str]] = {}
    try:
        whole = graph.checked(draft)
    except ValidationFailed as refusal:
        errors: Any = refusal.facts["errors"]
        for error in errors:
            wrong.setdefault(place(draft, error["pointer"]), []).append(_said(draft, error))
        return None, wrong, advice
    for found in graph.warnings(whole):
        advice.setdefault(place(draft, found["pointer"]), []).append(found["message"])
    return whole, wrong, advice


def place(draft: dict[str, Any], pointer: str) -> str:
    """Where a finding is shown: at a step, at the entry, at the ends, or at the top."""
    parts = pointer.strip("/").split("/")
    if parts[0] == "nodes" and len(parts) > 1 and parts[1].isdigit() and int(parts[1]) < len(draft["nodes"]):
        return str(draft["nodes"][int(parts[1])]["key"])
    return {"ends": ENDS, "nodes": "", "": ""}.get(parts[0], ENTRY)


def _said(draft: dict[str, Any], error: dict[str, str]) -> str:
    """The finding with the words of the field it is about."""
    key = place(draft, error["pointer"])
    kind = next((raw["kind"] for raw in draft["nodes"] if raw["key"] == key), "")
    own = {name: one.label for name, one in FORMS[kind].base_fields.items()} if kind in FORMS else {}
    names = _NAMES | own | {"kind": "", "name": ""}
    label = next((names[part] for part in reversed(error["pointer"].split("/")) if names.get(part)), None)
    return _("%(field)s: %(finding)s") % {"field": label, "finding": error["message"]} if label else error["message"]


_ALL: tuple[type[StepForm], ...] = (EntryForm, *FORMS.values())
_LABELS = {name: one.label for made in _ALL for name, one in made.base_fields.items()}
_NAMES: dict[str, Any] = {name: label for name, label in _LABELS.items() if name not in ("kind", "name")}


def field_label(name: str) -> str:
    """What staff call a field of the draft."""
    return str(_NAMES.get(name) or _MORE.get(name, name))


_MORE: dict[str, Any] = {
    "name": gettext_lazy("Name of the step"), "entry": gettext_lazy("Who comes in"), "audience": gettext_lazy("Only whom"),
    "ends": gettext_lazy("Leaves early"), "for": gettext_lazy("Wait"), "what": gettext_lazy("What for"),
    "ways": gettext_lazy("Ways"), "arms": gettext_lazy("Shares"), "next": gettext_lazy("Next step"),
    "otherwise": gettext_lazy("Way of everybody else"), "met": gettext_lazy("Way when it happened"),
    "timeout": gettext_lazy("Way when it did not"), "start": gettext_lazy("First step"),
    "missing": gettext_lazy("Words for missing values"),
    "fallback": gettext_lazy("If that channel is closed to a member"), "content": gettext_lazy("Fields of the channel"),
}  # fmt: skip


def _flat(lines: list[Line]) -> list[Line]:
    return [one for line in lines for one in (line, *(deep for way in line.ways for deep in _flat(way.lines)))]


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
