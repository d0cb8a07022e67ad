"""How a journey goes and what it would do: figures per step, who walks, and rehearsals, in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from apps.care import reasons, results, templates
from apps.care.experiments import verdicts
from apps.care.journeys import choosing, funnel, quarantine, rehearsing
from apps.care.journeys import graph as graphs
from apps.care.journeys.rehearsing import Decision
from apps.care.models import Enrolment, Journey, JourneyMark, JourneyVersion, Touch
from apps.console import effects, journey_words
from apps.core import clock, money
from apps.coupons import errors as coupons
from apps.members.names import half_hidden

SHOWN, PERIOD = 100, timedelta(days=90)
GIVING = frozenset({"send", "points", "coupon", "followup"})


@dataclass(frozen=True)
class StepFigures:
    """A step's line: its title, who stands there, who has passed, and where they went (words, members). `gives`: whether somebody gets
    something here that orders may follow."""

    title: str
    kind: str
    icon: str
    waiting: int
    passed: int
    sent: int | None
    gives: bool
    converted: int
    net_cents: int
    ways: list[tuple[str, int]]


@dataclass
class Trial:
    """`rows`: the first messages with their text; `others`: what else would happen (words, members); `skips` by reason."""

    at: datetime
    planned: int = 0
    held_out: int = 0
    skips: list[tuple[str, int]] = field(default_factory=list)
    others: list[tuple[str, int]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        return sum(count for _reason, count in self.skips)


def going(row: Journey, version: JourneyVersion, *, moment: datetime) -> dict[str, Any]:
    """The figures of everybody who came in during the last ninety days, and the comparison with those held out."""
    found = funnel.funnel(version, since=moment - PERIOD, as_of=moment)
    raws, brand = _raws(version.graph), journey_words.Brand()
    return {
        "funnel": found,
        "days": PERIOD.days,
        "steps": [_figures(node, raws.get(node.key), brand) for node in found.nodes if node.kind != "exit"],
        "endings": [(ending_words(ending), count) for ending, count in found.endings.most_common()],
        "splits": [
            _split(version, node, brand, moment)
            for node in graphs.parsed(version.graph).nodes.values()
            if node.kind == "split"
        ],
        "verdict": effects.verdict(results.of_journey(journey_id=row.pk, as_of=moment)),
    }


def _split(version: JourneyVersion, node: graphs.Node, brand: journey_words.Brand, moment: datetime) -> dict[str, Any]:
    """The ways of a split: (name, members, came back, share), what may be said of them, and what was chosen."""
    found = choosing.compare(version, node, as_of=moment)
    names = [journey_words.way(node.data, str(n + 1), brand) for n in range(len(found.arms))]
    said = [(names[int(one.arm.name)], verdicts.renamed(one, names).text) for one in found.outcome.comparisons]
    return {
        "title": journey_words.title(node.data),
        "first": names[0],
        "ways": [
            (name, members, back, back / members if members else None)
            for name, (members, back, _net) in zip(names, found.arms, strict=True)
        ],
        "said": said,
        "chosen": names[found.chosen] if found.chosen is not None else "",
        "waits": bool(node.data.get("winner_days")),
    }


def figures_sheet(row: Journey, version: JourneyVersion, *, moment: datetime) -> list[list[str]]:
    """What `going` shows, a line a step and way: step, what is counted, members. First the two arms and what came of them."""
    facts = going(row, version, moment=moment)
    told = facts["verdict"]
    arms = (
        (pgettext("journey arm", "Walked"), told.treated, told.treated_returned),
        (_("Held out"), told.held_out, told.held_returned),
    )
    lines: list[list[str]] = []
    for arm, members, returned in arms:
        lines += [[arm, _("Members"), str(members)], [arm, _("Came back"), str(returned)]]
    for step in facts["steps"]:
        lines += [
            [step.title, _("Stand here now"), str(step.waiting)],
            [step.title, _("Have passed"), str(step.passed)],
        ]
        lines += [[step.title, _("Sent"), str(step.sent)]] if step.sent is not None else []
        if step.gives:
            lines += [
                [step.title, _("Bought after it"), str(step.converted)],
                [step.title, _("Net revenue after it, yuan"), money.yuan(step.net_cents)],
            ]
        lines += [[step.title, words, str(count)] for words, count in step.ways]
    return lines


def trial(row: Journey, *, moment: datetime, days: int) -> Trial:
    """The draft now and, with `days`, in so many days from now. Nothing is kept. Raises ValidationFailed, Stopped, TooLong."""
    seen = Trial(at=moment)

    def watch(found: Sequence[Decision]) -> None:
        seen.rows = with_texts(_planned(found)[:SHOWN], moment=moment)

    told = rehearsing.rehearse(journey_id=row.pk, moment=moment, is_draft=True, days=days, watch=watch)
    raws, brand = _raws(row.draft), journey_words.Brand()
    skips: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for one in told:
        raw = raws.get(one.node, {"kind": "exit"})
        if raw["kind"] == "send" and one.outcome == Touch.State.PLANNED:
            seen.planned += 1
        elif one.outcome == "held_out":
            seen.held_out += raw["kind"] == "send"
        elif raw["kind"] == "send":
            skips[one.outcome] += 1
        elif raw["kind"] not in ("exit", "wait"):
            others[f"{journey_words.title(raw)}: {outcome_words(raw, one.outcome, brand)}"] += 1
    seen.skips, seen.others = skips.most_common(), others.most_common()
    for shown in seen.rows:
        shown["title"] = journey_words.title(raws.get(shown["node"], {"kind": "send"}))
    return seen


def sheet(row: Journey, *, moment: datetime, days: int) -> list[list[str]]:
    """All that `trial` counts, a line a step but waits and ends; names half hidden, in the texts as well."""
    texts: dict[int, str] = {}
    told = rehearsing.rehearse(
        journey_id=row.pk, moment=moment, is_draft=True, days=days, watch=_reader(texts, moment=moment, is_masked=True)
    )
    raws, brand = _raws(row.draft), journey_words.Brand()
    return [line(one, raws[one.node], brand, texts) for one in told if raws[one.node]["kind"] not in ("wait", "exit")]


def line(one: Decision, raw: dict[str, Any], brand: journey_words.Brand, texts: dict[int, str]) -> list[str]:
    """One step of one member for the file: time, number, name, step, what comes of it, channel, text."""
    return [
        clock.local(one.send_at or one.at).isoformat(timespec="seconds"), one.member_no, half_hidden(one.nickname),
        journey_words.title(raw), outcome_words(raw, one.outcome, brand), one.channel, texts.get(one.touch_id or 0, ""),
    ]  # fmt: skip


def _planned(found: Sequence[Decision]) -> list[Decision]:
    return [one for one in found if one.outcome == Touch.State.PLANNED]


def _reader(texts: dict[int, str], *, moment: datetime, is_masked: bool = False) -> rehearsing.Watcher:
    """Keeps the text of each message, by touch, before the rehearsal is undone."""

    def watch(found: Sequence[Decision]) -> None:
        rows = with_texts(_planned(found), moment=moment, is_masked=is_masked)
        texts.update({shown["touch_id"]: shown["text"] for shown in rows})

    return watch


def path(row: Journey, *, member_id: int, moment: datetime) -> list[dict[str, Any]]:
    """One member's walk by the draft from now to its end, step by step. Raises NotFound, ValidationFailed, Stopped."""
    texts: dict[int, str] = {}
    told = rehearsing.walk(journey_id=row.pk, member_id=member_id, moment=moment, watch=_reader(texts, moment=moment))
    raws, brand = _raws(row.draft), journey_words.Brand()
    return [
        {
            "at": one.send_at or one.at,
            "title": journey_words.title(raws[one.node]),
            "icon": journey_words.icon(raws[one.node]),
            "says": outcome_words(raws[one.node], one.outcome, brand),
            "text": texts.get(one.touch_id or 0, ""),
        }
        for one in told
    ]


def outcome_words(raw: dict[str, Any], outcome: str, brand: journey_words.Brand) -> str:
    """What came of a step: the way somebody went, or why they got nothing."""
    known = {
        "planned": _("Goes out"),
        "held_out": _("Held out"),
        "given": pgettext("journey outcome", "Given"),
        "assigned": _("Task given out"),
        "budget_used": _("The budget is used up"),
        "endpoint_off": _("The endpoint was switched off."),
        "endpoint_gone": _("The endpoint was removed."),
        "has_one": _("Has an unused one"),
        "member_gone": _("Is no member any more"),
        "no_date": _("The date never comes"),
        "done": _("Done"),
    }
    if outcome in coupons.REASONS:
        return str(_OF_COUPONS.get(outcome) or coupons.REASONS[outcome])
    if raw["kind"] in ("branch", "split", "await") and outcome not in ("held_out", "done"):
        return journey_words.way(raw, outcome, brand)
    return known.get(outcome) or reasons.text(outcome)


def trouble(row: Journey) -> dict[str, Any]:
    """What holds the journey up: steps that rest because they ended our workers, else the step that fails now."""
    raws = _raws(row.draft)
    rests = [_step_title(raws, watch.node) for watch in quarantine.resting(row.pk)]
    mark = JourneyMark.objects.filter(journey=row).first()
    node, _colon, error = mark.trouble.partition(": ") if mark else ("", "", "")
    failing = {"step": _step_title(raws, node), "error": error, "at": mark.trouble_at} if mark and error else None
    return {"rests": rests, "failing": None if rests else failing}


def _step_title(raws: dict[str, dict[str, Any]], node: str) -> str:
    return journey_words.title(raws[node]) if node in raws else node or _("Who comes in")


# As the member reads them they say "you"; and one holds a time that is not known here.
_OF_COUPONS = {
    "coupon_limit_reached": gettext_lazy("Has as many of this coupon as one member may"),
    "coupon_not_open": gettext_lazy("The coupon cannot be claimed yet"),
}


def ending_words(code: str) -> str:
    return pgettext("journey", "Walking") if code == "walking" else str(Enrolment.Ending(code).label)


def _raws(graph: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {raw["key"]: raw for raw in graph.get("nodes", ())}


def _figures(node: funnel.NodeFigures, raw: dict[str, Any] | None, brand: journey_words.Brand) -> StepFigures:
    raw = raw or {"kind": "exit", "name": _("%(key)s (an earlier version)") % {"key": node.key}}
    if node.kind == "send":
        ways = [(reasons.text(code), count) for code, count in node.skipped.most_common()]
        ways += [(_("Held out"), node.outcomes["held_out"])] if node.outcomes["held_out"] else []
        ways += (
            [(_("Not yet sent"), waiting)] if (waiting := node.messages["planned"] + node.messages["sending"]) else []
        )
        ways += [(_("Failed"), node.messages["failed"])] if node.messages["failed"] else []
    else:
        ways = [(outcome_words(raw, outcome, brand), count) for outcome, count in node.outcomes.most_common()]
    return StepFigures(
        title=journey_words.title(raw),
        kind=node.kind,
        icon=journey_words.icon(raw),
        waiting=node.waiting,
        passed=node.passed,
        sent=node.sent if node.kind == "send" else None,
        gives=node.kind in GIVING or node.converted > 0,
        converted=node.converted,
        net_cents=node.net_cents,
        ways=ways,
    )


def with_texts(found: Sequence[Decision], *, moment: datetime, is_masked: bool = False) -> list[dict[str, Any]]:
    """Each message as its member would read it; one question per text."""
    touches = Touch.objects.select_related("version").in_bulk([one.touch_id for one in found if one.touch_id])
    by_version: dict[int, list[int]] = {}
    for touch in touches.values():
        by_version.setdefault(touch.version_id, []).append(touch.member_id)
    versions = {touch.version_id: touch.version for touch in touches.values()}
    values = {
        key: templates.values_of(ids, names=templates.variables(versions[key].template), moment=moment)
        for key, ids in by_version.items()
    }
    rows = []
    for one in found:
        touch = touches[one.touch_id or 0]
        version = versions[touch.version_id]
        known = values[version.pk].get(one.member_id, {})
        if is_masked and known.get("nickname"):
            known = known | {"nickname": half_hidden(one.nickname)}
        told = templates.render(version.template, values=known, missing=version.missing)
        rows.append(
            {
                "touch_id": touch.pk, "node": one.node, "member_id": one.member_id, "member_no": one.member_no,
                "nickname": one.nickname, "channel": one.channel, "send_at": one.send_at or clock.now(),
                "text": templates.composed(told.text, channel=one.channel),
                "has_fallback": any(origin == "default" for _value, origin in told.values.values()),
            }
        )  # fmt: skip
    return rows
