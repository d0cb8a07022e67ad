"""One message on each channel of its chain as a member would read it: substitutes in colour, length, price, what stands against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.care import policies, preview, reach, reasons, routes, templates
from apps.care.journeys import graph
from apps.care.models import Channel, Journey, Policy, Trial, Version
from apps.console.policy_form import VARIABLE_WORDS
from apps.core import clock, money
from apps.gateways import sms
from apps.members import selectors as members
from apps.members.models import Member
from apps.segments import language

MOST = 6  # members offered for one search


@dataclass(frozen=True)
class View:
    """On one channel. `text` marks what stands in for missing values; `why`: what stands against it now, the deciding one first."""

    channel: str
    label: str
    subject: str
    text: SafeString
    length: int
    segments: int
    cost: str
    send_at: datetime
    why: list[str]


def of_step(journey: Journey, raw: dict[str, Any]) -> Version:
    """The message of a send step of the draft, whether the rest of the graph is whole or not. Raises ValidationFailed."""
    own = {name: raw[name] for name in graph.MESSAGE if name in raw}
    draft = own | {"trigger": "journey", "params": {"window_days": 1}, "holdout_percent": 0}
    policy = Policy(key=f"{journey.key}.{raw['key']}", priority=journey.priority, journey=journey)
    return policies.as_version(policy, draft=draft)


def on_channel(version: Version, channel: str) -> Version:
    """Of the chain; the first one's where there is no such channel."""
    return routes.on(version, channel=channel)


def views(version: Version, *, member_id: int | None) -> list[View]:
    """None: no member is chosen, every variable stands for itself."""
    return [_view(route.version, member_id=member_id) for route in routes.of(version)]


def reached(version: Version, *, audience: Any, store_ids: Sequence[int] | None) -> list[reach.Reached]:
    """Of those the audience means today, whom each channel of the chain could reach; none while the rule is not whole."""
    try:
        found = reach.of_rule(audience, moment=clock.now(), purpose=version.purpose, store_ids=store_ids)
    except language.BadRule:
        return []
    by_channel = {one.channel: one for one in found}
    return [by_channel[route.version.channel] for route in routes.of(version)]


def _view(version: Version, *, member_id: int | None) -> View:
    if member_id is None:
        text = "".join(
            f"[{VARIABLE_WORDS[part]}]" if index % 2 else part
            for index, part in enumerate(templates.parse(version.template))
        )
        shown = preview.unread(version)
        return View(version.channel, str(Channel(version.channel).label), _subject(version), format_html("{}", text),
                    len(text), 0, "", shown, [])  # fmt: skip
    found = preview.preview(version, member_id=member_id)
    return View(
        channel=version.channel,
        label=str(Channel(version.channel).label),
        subject=_subject(version),
        text=_coloured(version, found),
        length=len(found.text),
        segments=found.segments,
        cost=money.show(found.cost_cents),
        send_at=found.send_at,
        why=[reasons.text(code) for code in found.refusals],
    )


def _subject(version: Version) -> str:
    return str(version.content.get("subject", "")) if version.channel == Channel.EMAIL else ""


def _coloured(version: Version, found: preview.Preview) -> SafeString:
    pieces = [
        (format_html('<span class="c-fb">{}</span>', found.values[part][0] or f"[{VARIABLE_WORDS[part]}]"),)
        if index % 2 and found.values[part][1] != "value"
        else (found.values[part][0] if index % 2 else part,)
        for index, part in enumerate(templates.parse(version.template))
    ]
    body = format_html_join("", "{}", pieces)
    if version.channel != Channel.SMS:
        return body
    bare = templates.render(version.template, values={k: v[0] for k, v in found.values.items()}, missing={}).text
    before, _bare, after = sms.compose(
        bare, kind="transactional" if version.is_transactional else "marketing"
    ).partition(bare)
    return format_html("<i>{}</i>{}<i>{}</i>", before, body, after)


def search(request: HttpRequest, *, permission: str) -> dict[str, Any]:
    """Members by what was typed (`q`), and the one whose message is shown (`member`), both within the reader's reach."""
    text = " ".join(request.POST.get("q", "").replace("\0", "").split())[:60]
    stores = request.access.store_ids(permission)  # type: ignore[attr-defined]
    ids = members.search(text=text, store_ids=stores, limit=MOST).member_ids if text else []
    given = request.POST.get("member", "")
    member_id = int(given) if given.isdecimal() and len(given) < 19 else (ids[0] if ids else None)
    if member_id is not None and not members.within(Member.objects.filter(pk=member_id), stores).exists():
        member_id = None
    rows = {row.pk: row for row in Member.objects.filter(pk__in=ids)}
    return {
        "q": text,
        "member_id": member_id,
        "candidates": [(key, rows[key].nickname, rows[key].member_no) for key in ids],
    }


def told(one: Trial) -> dict[str, Any]:
    staff = getattr(one.by, "staff", None)
    return {
        "row": one,
        "by": staff.name if staff else "",
        "label": Channel(one.channel).label,
        "why": reasons.text(one.code),
    }
