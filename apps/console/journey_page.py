"""What the page of one journey shows: the list, the picture, what is wrong, and the figures its questions name."""

import json
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.activity import catalogue
from apps.care import policies
from apps.care.journeys import approving, comparing, shaping
from apps.care.models import Enrolment, Journey, JourneyVersion, Touch
from apps.console import behaviour, journey_changes, journey_form, journey_rows
from apps.console import journey_words as words
from apps.console.charts import journey as pictures
from apps.console.journey_form import ENDS, ENTRY, StepForm
from apps.console.policy_form import MessageForm
from apps.core.errors import NotFound, ValidationFailed

TONES = {"live": "ok", "paused": "warn", "stopped": "bad"}


def found(key: str) -> Journey:
    row = Journey.objects.filter(key=key).first()
    if row is None:
        raise NotFound
    return row


def facts(
    request: HttpRequest,
    row: Journey,
    *,
    opened: str = "",
    form: StepForm | None = None,
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    access = request.access  # type: ignore[attr-defined]
    may_edit = access.can("journeys.edit") and row.status != Journey.Status.STOPPED
    return {
        "journey": row, "tone": TONES.get(row.status, ""), "may_edit": may_edit, "may_run": access.can("journeys.run"),
        "next_number": row.version + 1, "figures": figures(row),
    } | editor(row, opened=opened if may_edit else "", form=form) | _asked(row) | (more or {})  # fmt: skip


def editor(row: Journey, *, opened: str = "", form: StepForm | None = None) -> dict[str, Any]:
    """The part that every change draws anew."""
    draft, brand = shaping.normal(row.draft), words.Brand()
    if opened and opened != ENDS and form is None:
        form = journey_form.form(draft, opened)
    page = journey_rows.page(draft, brand, opened=opened, form=form)
    live = row.versions.filter(number=row.version).first() if row.version else None
    changes = changed(live, draft) if live else None
    return {
        "journey": row, "page": page, "base": json.dumps(draft, ensure_ascii=False), "opened": opened, "form": form, "ENTRY": ENTRY,
        "ENDS": ENDS, "entry": words.entry(draft, brand),
        "again": words.again(draft.get("again")), "ends": journey_rows.ends(draft, brand),
        "holdout": draft.get("holdout_percent") or 0, "kinds": [(kind, label, _icon(kind)) for kind, label in words.KINDS.items()],
        "entry_wrong": page.wrong.get(ENTRY, []), "ends_wrong": page.wrong.get(ENDS, []), "whole_wrong": page.wrong.get("", []),
        "entry_advice": page.advice.get(ENTRY, []), "ends_advice": page.advice.get(ENDS, []), "whole_advice": page.advice.get("", []),
        "picture": picture(draft, page, brand).svg(), "live": live, "is_changed": changes is not None and not changes.is_nothing,
        "changed_words": journey_changes.short(changes, draft) if changes else "",
        "variables": list(form.variables.items()) if isinstance(form, MessageForm) else [],
        "audience": brand.rule(draft.get("audience") or {}),
        "events": [(kind.name, behaviour.title(kind.name)) for kind in catalogue.TYPES],
        "tail": _tail(page),
    }  # fmt: skip


def changed(live: JourneyVersion, draft: dict[str, Any]) -> comparing.Difference:
    """Against what care would freeze: the defaults of messages and triggers count as said."""
    return comparing.difference(live.graph, with_defaults(draft))


def with_defaults(draft: dict[str, Any]) -> dict[str, Any]:
    entry = draft["entry"]
    if entry.get("kind") != "trigger" or not isinstance(entry.get("params"), dict):
        return draft
    filled = dict(entry["params"])
    try:
        policies.findings_of_trigger(str(entry.get("trigger")), filled, at="")
    except (KeyError, ValidationFailed):
        return draft
    return draft | {"entry": entry | {"params": filled}}


def figures(row: Journey) -> dict[str, int]:
    walking = Enrolment.objects.filter(journey=row, ended_at=None)
    counts = walking.aggregate(
        all=Count("pk"), behind=Count("pk", filter=~Q(version__number=row.version)),
    )  # fmt: skip
    waiting = Touch.objects.filter(policy__journey=row, state=Touch.State.PLANNED, settled_at=None).count()
    return {"walking": counts["all"], "behind": counts["behind"], "waiting": waiting}


def picture(draft: dict[str, Any], page: journey_rows.Page, brand: words.Brand) -> pictures.Picture:
    """Waits stand on the lines; what ends a walk at once is a pill at the side."""
    nodes = shaping.by_key(draft)
    boxes = [pictures.Box(ENTRY, _short_entry(draft), shape="entry", is_wrong=ENTRY in page.wrong)]
    passed = {line.key for line in page.all if _is_passed(line.raw)}
    for line in page.all:
        if line.key not in passed:
            title = f"{line.number} {line.title}".strip()
            boxes.append(
                pictures.Box(
                    line.key, title, _word(line), "dot" if line.raw["kind"] == "exit" else "box", bool(line.wrong)
                )
            )
    ways = [(ENTRY, draft["nodes"][0]["key"], "")]
    for line in page.all:
        if line.key not in passed:
            is_many = len(shaping.ways(line.raw)) > 1
            ways += [
                (line.key, to, words.way(line.raw, name, brand) if is_many else "")
                for name, to in shaping.ways(line.raw)
            ]
    lines = []
    for start, to, label in ways:
        end, waits = _past(to, nodes, passed, brand)
        if end in nodes:
            lines.append(pictures.Line(start, end, _(", ").join([one for one in (label, *waits) if one])))
    leaves = [one for one in draft.get("ends") or [] if isinstance(one, dict)]
    by_order = any((one.get("when") or {}).get("kind") == "order" for one in leaves)
    said = _("Leaves on a purchase") if by_order else _("Leaves by a rule") if leaves else ""
    told = _(", ").join(line.title if line.key not in passed else str(line.says) for line in page.all)
    return pictures.Picture(boxes, lines, said, _("Picture of the journey: %(steps)s") % {"steps": told})


def _past(key: str, nodes: dict[str, Any], passed: set[str], brand: words.Brand) -> tuple[str, list[str]]:
    waits: list[str] = []
    while key in passed and len(waits) < len(nodes):
        waits.append(str(words.says(nodes[key], brand)))
        key = str(nodes[key].get("next", ""))
    return key, waits


def _is_passed(raw: dict[str, Any]) -> bool:
    return raw["kind"] == "wait" and len(shaping.ways(raw)) == 1


def _word(line: journey_rows.Line) -> str:
    if line.raw["kind"] == "exit":
        return ""
    return (
        line.badges[0][0]
        if line.raw["kind"] == "send" and line.badges
        else ""
        if line.title == line.kind_word
        else line.kind_word
    )


def _short_entry(draft: dict[str, Any]) -> str:
    kind = draft["entry"].get("kind", "")
    return words.entry(draft | {"audience": {}}, _NO_BRAND) if kind != "call" else _("By hand or by a program")


class _NoBrand(words.Brand):
    def __init__(self) -> None:
        """Without a look at the database: the sentence asks no rule."""

    def rule(self, rule: Any) -> str:
        return ""


_NO_BRAND = _NoBrand()


def _tail(page: journey_rows.Page) -> tuple[str, str]:
    """The way at the end of the main line, where "add a step" puts one."""
    before = [line for line in page.lines if line.raw["kind"] != "exit"]
    if not before:
        return shaping.START, ""
    last = before[-1]
    names = [name for name, _to in shaping.ways(last.raw)]
    return last.key, names[0] if names else ""


def _icon(kind: str) -> str:
    return words.ICONS.get(kind, "send")


def _asked(row: Journey) -> dict[str, Any]:
    counts = figures(row)
    return {
        "asked": approving.waits(row),
        "stop_text": ngettext(
            "%(walking)s member walks here; %(waiting)s waiting messages will not go out. This cannot be taken back.",
            "%(walking)s members walk here; %(waiting)s waiting messages will not go out. This cannot be taken back.",
            counts["walking"],
        ) % {"walking": f"{counts['walking']:,}", "waiting": f"{counts['waiting']:,}"},
        "move_text": ngettext(
            "%(count)s member walks by an older version and goes on by the newest, unless their step is not in it.",
            "%(count)s members walk by an older version and go on by the newest, except those whose step is not in it.",
            counts["behind"],
        ) % {"count": f"{counts['behind']:,}"},
    }  # fmt: skip
