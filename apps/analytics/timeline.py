"""Everything that happened around one member in one stream, newest first: UNION ALL of indexed branches, one page per statement."""

import json
from datetime import datetime
from typing import Any

from django.db import connection

from apps.analytics import keyset
from apps.analytics.keyset import Page
from apps.core import clock
from apps.members import consents, minors

SIZE = 30

# The member and the records merged into it.
_FAMILY = "array(select f.id from members_member f where f.id = %(member)s or f.merged_into_id = %(member)s)"
_PROFILED = f"""not exists (select from members_member m
    where m.id = %(member)s and not {consents.PROFILED})"""
# (kind, its place among things of one moment, rows of one member: at, id, facts)
_BRANCHES = (
    (
        "order",
        """select o.paid_at as at, o.id, jsonb_build_object('order_id', o.id, 'order_no', o.order_no,
             'total_cents', o.total_cents, 'status', o.status, 'store_id', o.store_id, 'channel', o.channel) as facts
           from orders_order o where o.member_id = %(member)s and o.paid_at is not null""",
    ),
    (
        "refund",
        """select r.refunded_at, r.id, jsonb_build_object('order_id', o.id, 'order_no', o.order_no,
             'amount_cents', r.amount_cents, 'is_line', r.line_id is not null)
           from orders_order o join orders_refund r on r.order_id = o.id
           where o.member_id = %(member)s and o.refunded_cents > 0""",
    ),
    (
        "stage",
        f"""select c.at, c.id, jsonb_build_object('before', c.before, 'after', c.after, 'cause', c.cause)
           from segments_stagechange c where c.member_id = %(member)s and {_PROFILED}""",
    ),
    (
        "consent",
        f"""select c.at, c.id, jsonb_build_object('purpose', c.purpose, 'channel', c.channel,
             'is_granted', c.is_granted, 'source', c.source, 'text_version', c.text_version)
           from members_consent c where c.member_id = any({_FAMILY})""",
    ),
    (
        "touch",
        """select t.decided_at, t.id, jsonb_build_object('policy', p.name, 'policy_key', p.key, 'channel', t.channel,
             'state', t.state, 'reason', t.reason, 'settled_at', t.settled_at, 'send_at', t.send_at, 'text',
             (select a.text from care_attempt a where a.touch_id = t.id order by a.number desc limit 1))
           from care_touch t join care_policy p on p.id = t.policy_id where t.member_id = %(member)s""",
    ),
    (
        "inbox",
        """select i.created_at, i.id, jsonb_build_object('title', i.title, 'body', i.body, 'read_at', i.read_at)
           from gateways_inboxmessage i where i.member_id = %(member)s and i.key not like 'touch:%%'""",
    ),
    (
        "unmask",
        f"""select a.at, a.id, jsonb_build_object('actor', a.actor, 'after', a.after)
           from core_auditentry a where a.object_type = 'member' and a.object_id = any({_FAMILY}::text[])
             and a.action = 'member.unmasked'""",
    ),
    (
        "joined",
        """select m.joined_at, m.id, jsonb_build_object('source', m.source, 'store_id', m.home_store_id)
           from members_member m where m.id = %(member)s""",
    ),
    (
        "activity",
        f"""select e.occurred_at, e.id, jsonb_build_object('name', e.name, 'properties', e.properties, 'source', e.source,
             'is_stitched', e.is_stitched)
           from activity_event e where e.member_id = %(member)s and {_PROFILED}""",
    ),
    (
        "state",
        f"""select c.at, c.id, jsonb_build_object('after', c.after, 'cause', c.cause, 'reason', c.reason)
           from members_statechange c where c.member_id = any({_FAMILY})""",
    ),
    (
        "merged",
        f"""select m.at, m.id, jsonb_build_object('member_no', l.member_no, 'reason', m.reason)
           from members_merge m join members_member l on l.id = m.loser_id where m.survivor_id = any({_FAMILY})""",
    ),
    (
        "unmerged",
        f"""select m.undone_at, m.id, jsonb_build_object('member_no', l.member_no)
           from members_merge m join members_member l on l.id = m.loser_id
           where m.survivor_id = any({_FAMILY}) and m.undone_at is not null""",
    ),
    (
        "tag",
        """select g.given_at, g.id, jsonb_build_object('tag', t.name, 'source', g.source, 'until', g.expires_on)
           from members_membertag g join members_tag t on t.id = g.tag_id where g.member_id = %(member)s""",
    ),
    (
        "untag",
        """select a.at, g.id, jsonb_build_object('tag', t.name, 'source', g.source)
           from members_takentag g join members_tag t on t.id = g.tag_id join members_tagact a on a.id = g.act_id
           where g.member_id = %(member)s and a.undone_at is null""",
    ),
    (
        "followup",
        """select coalesce(t.settled_at, t.created_at), t.id, jsonb_build_object('task_id', t.id, 'title', t.title, 'kind', t.kind,
             'state', t.state, 'outcome', t.outcome, 'evidence', t.evidence, 'store_id', t.store_id, 'staff', c.name)
           from followups_task t left join stores_staff c on c.id = coalesce(t.settled_by_id, t.assignee_id)
           where t.member_id = %(member)s""",
    ),
    (
        "account",
        f"""select a.at, a.id, jsonb_build_object('action', a.action, 'actor', a.actor, 'after', a.after)
           from core_auditentry a where a.object_type = 'member' and a.object_id = any({_FAMILY}::text[])
             and a.action in ('member.identity_added', 'member.identity_removed', 'member.phone_changed',
                              'member.fields_changed', 'privacy.export_asked', 'privacy.export_taken',
                              'privacy.erasure_asked')""",
    ),
    (
        "journey",
        """select w.at, w.id, jsonb_build_object('journey', j.name, 'journey_key', j.key, 'ending', w.ending,
             'is_held_out', w.is_held_out)
           from (
             select entered_at as at, 2 * id as id, journey_id, '' as ending, is_held_out from care_enrolment
             where member_id = %(member)s
             union all
             select ended_at, 2 * id + 1, journey_id, ending, is_held_out from care_enrolment
             where member_id = %(member)s and ended_at is not null
           ) w join care_journey j on j.id = w.journey_id""",
    ),
    (
        "points",
        """select e.at, e.id, jsonb_build_object('entry', e.kind, 'amount', e.amount, 'pending', e.pending, 'held', e.held,
             'balance', e.balance_after, 'note', e.note, 'name', c.name, 'name_en', c.name_en, 'store_id', e.store_id)
           from points_account a join points_entry e on e.account_id = a.id join points_currency c on c.id = a.currency_id
           where a.member_id = %(member)s""",
    ),
    (
        "coupon",
        """select w.at, w.id, jsonb_build_object('act', w.act, 'name', t.name, 'name_en', t.name_en, 'store_id', w.store_id)
           from (
             select issued_at as at, 2 * id as id, template_id, 'issued' as act, store_id from coupons_coupon
             where member_id = %(member)s
             union all
             select e.at, 2 * e.id + 1, k.template_id, e.kind, u.store_id from coupons_coupon k
             join coupons_entry e on e.coupon_id = k.id left join coupons_use u on u.id = e.use_id
             where k.member_id = %(member)s
           ) w join coupons_template t on t.id = w.template_id""",
    ),
    (
        "ticket",
        """select w.at, w.id, jsonb_build_object('ticket_id', w.ticket_id, 'act', w.act, 'ticket_kind', w.kind, 'title', w.title,
             'state', w.state, 'store_id', w.store_id)
           from (
             select created_at as at, 2 * id as id, id as ticket_id, 'opened' as act, kind, title, state, store_id
             from tickets_ticket where member_id = %(member)s
             union all
             select ended_at, 2 * id + 1, id, 'ended', kind, title, state, store_id
             from tickets_ticket where member_id = %(member)s and ended_at is not null
           ) w""",
    ),
    (
        "booking",
        """select coalesce(b.settled_at, b.made_at), b.id, jsonb_build_object('state', b.state, 'starts_at', s.starts_at,
             'name', v.name, 'name_en', v.name_en, 'store_id', o.store_id)
           from bookings_booking b join bookings_slot s on s.id = b.slot_id join bookings_offer o on o.id = s.offer_id
           join bookings_service v on v.id = o.service_id where b.member_id = %(member)s""",
    ),
)
KINDS = tuple(kind for kind, _sql in _BRANCHES)
# What a reader may narrow the stream to → its kinds. Together they are all.
THEMES: dict[str, tuple[str, ...]] = {
    "orders": ("order", "refund"),
    "points": ("points",),
    "coupons": ("coupon",),
    "service": ("ticket", "booking"),
    "messages": ("touch", "inbox"),
    "journeys": ("journey",),
    "stages": ("stage",),
    "consents": ("consent",),
    "followups": ("followup",),
    "tags": ("tag", "untag"),
    "behaviour": ("activity",),
    "identity": ("joined", "state", "merged", "unmerged", "account", "unmask"),
}


def timeline(*, member_id: int, cursor: str = "", kinds: tuple[str, ...] = KINDS, size: int = SIZE) -> Page:
    """One page of rows {at, kind, id, facts}; `older` is the cursor for more. The caller has checked who may see the member.

    What cannot move in a merge (statements, looks, states) is read from the merged records too. Of a member who may not be
    profiled neither stages nor behaviour are told.
    """
    reached = keyset.read(cursor, kinds=(datetime, int, int))
    values: dict[str, Any] = {"member": member_id, "size": size + 1, **minors.as_of(clock.now())}
    if reached:
        values |= {"at": reached.key[0], "rank": reached.key[1], "id": reached.key[2]}
    branches = [
        _limited(rank, sql=sql, is_continued=reached is not None)
        for rank, (kind, sql) in enumerate(_BRANCHES)
        if kind in kinds
    ]
    if not branches:
        return Page(rows=())
    with connection.cursor() as database:
        database.execute(
            f"select at, rank, id, facts from ({' union all '.join(branches)}) stream"
            " order by at desc, rank desc, id desc limit %(size)s",
            values,
        )
        found = [
            {"at": at, "rank": rank, "id": key, "kind": KINDS[rank], "facts": _facts(facts)}
            for at, rank, key, facts in database.fetchall()
        ]
    shown = keyset.page(found, cursor=reached, key=("at", "rank", "id"), size=size)
    return Page(rows=shown.rows, older=shown.older)


def _limited(rank: int, *, sql: str, is_continued: bool) -> str:
    beyond = f"where (b.at, {rank}, b.id) < (%(at)s, %(rank)s, %(id)s)" if is_continued else ""
    return (
        f"(select b.at, {rank} as rank, b.id, b.facts from ({sql}) b (at, id, facts) {beyond}"
        " order by b.at desc, b.id desc limit %(size)s)"
    )


def _facts(value: Any) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    for name in ("settled_at", "send_at", "read_at", "starts_at"):
        if facts.get(name):
            facts[name] = datetime.fromisoformat(facts[name])
    return facts
