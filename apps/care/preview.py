"""What a draft would mean: one member's text and gate verdict. Nothing is written or sent."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.care import gate, reasons, templates, zones
from apps.care.models import Channel, Version
from apps.core import brand, clock
from apps.core.errors import NotFound
from apps.gateways import sms
from apps.gateways.messages import Kind
from apps.segments import language


@dataclass(frozen=True)
class Preview:
    """`text` as the phone would show it. `values` per variable: (text, "value" | "default" | "missing").

    `refusals`: codes of all that stands against it now, the deciding one first. `arm`: "treated" or "held_out" by the policy's
    holdout. `segments` and `cost_cents`: what the carrier bills; 0 in the inbox.
    """

    text: str
    values: dict[str, tuple[str, str]]
    segments: int
    cost_cents: int
    refusals: tuple[str, ...]
    is_in_audience: bool
    arm: str
    send_at: datetime


def preview(version: Version, *, member_id: int, moment: datetime | None = None) -> Preview:
    """A version, or an unsaved one from `policies.as_version`, as this member would meet it. Raises NotFound."""
    moment = moment or clock.now()
    lives = zones.of_member(member_id, otherwise=version.params.get("time_zone", ""))
    limits = gate.load().on(version.channel).at(lives)
    send_at = limits.send_at(moment, hour=version.send_hour)
    in_audience, refusals = _verdict(version, member_id=member_id, limits=limits, moment=moment, send_at=send_at)
    if version.is_now_or_never and limits.is_quiet_at(moment, hour=version.send_hour):
        refusals = (reasons.QUIET, *refusals)
    names = templates.variables(version.template)
    values = templates.values_of([member_id], names=names, moment=moment)[member_id]
    rendered = templates.render(version.template, values=values, missing=version.missing)
    text = templates.composed(rendered.text, channel=version.channel, kind=_kind(version))
    segments = sms.segments(text) if version.channel == Channel.SMS else 0
    held = gate.is_held_out(version.policy.key, member_id=member_id, percent=version.holdout_percent)
    return Preview(
        text=text,
        values=rendered.values,
        segments=segments,
        cost_cents=segments * brand.read("care.sms_price_cents"),
        refusals=refusals,
        is_in_audience=in_audience,
        arm="held_out" if held else "treated",
        send_at=send_at,
    )


def _kind(version: Version) -> Kind:
    return "transactional" if version.is_transactional else "marketing"


def unread(version: Version) -> datetime:
    """When it would go out if its turn were now, whoever reads it."""
    return gate.load().on(version.channel).send_at(clock.now(), hour=version.send_hour)


def _verdict(
    version: Version, *, member_id: int, limits: gate.Gate, moment: datetime, send_at: datetime
) -> tuple[bool, tuple[str, ...]]:
    checks = gate.refusals(version, caps=gate.windows(limits, day=limits.day(send_at)))
    asked = language.compiled(version.audience, moment=moment, given={"s"})
    columns = ", ".join(f"coalesce({check}, false)" for _, check in checks)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select coalesce({asked.condition}, false), {columns} from members_member m {gate.joins()} {asked.joins}"
            " cross join (select ''::text as occurrence) t where m.id = %(member)s",
            gate.parameters(version, gate=limits, moment=moment, send_at=send_at)
            | asked.params
            | {"member": member_id},
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    return bool(row[0]), tuple(reason for (reason, _), stands in zip(checks, row[1:], strict=True) if stands)
