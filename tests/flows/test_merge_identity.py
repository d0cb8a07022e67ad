"""Merging and undoing is doing nothing: for members made up at random, every table holds after it what it held before."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.care.models import Policy, Touch, Version
from apps.core import ciphers, holdings
from apps.core.errors import DomainError
from apps.flows import member_merged
from apps.gateways.models import InboxMessage
from apps.members import field_policies, identities, services, states
from apps.members.models import Attribute, Consent, ConsentNow, Identity, Member, MemberKey
from apps.orders import services as orders
from apps.points.models import Account
from apps.segments import refresh as stats
from apps.segments.models import MemberStats

MOMENT = timezone.now().replace(microsecond=0)
# Append-only history grows, and derived rows carry the time of their computing.
GROWS = {"segments.StageChange", "segments.ScoreChange", "orders.Change", "members.Merge", "members.MergeMove"}
# Compared below, column by column or opened.
ELSEWHERE = GROWS | {
    "members.Identity",
    "members.ConsentNow",
    "points.Account",
    "segments.MemberStats",
    "segments.Newcomer",
    "segments.Stir",
}


def make_up(dice: random.Random, number: int) -> int:
    joined_at = MOMENT - timedelta(days=dice.randrange(1, 900))
    member_id = services.register(
        source=dice.choice(["import", "portal", "pos:3", "demo"]),
        nickname=dice.choice(["", "林溪", "Chen Li", "欧阳月"]),
        gender=dice.choice(["", "f", "m"]),
        birthday=dice.choice([None, joined_at.date() - timedelta(days=9000)]),
        joined_at=joined_at,
    )
    for place in range(dice.randrange(3)):
        services.add_identity(member_id=member_id, kind="phone", value=f"17000{number:02d}{place:04d}")
    services.add_identity(member_id=member_id, kind="card", value=f"C-{number}")
    services.set_tags(member_id=member_id, tags=dice.sample(["老客", "直播", "母婴", "团购"], dice.randrange(4)))
    services.set_attributes(
        member_id=member_id, values={key: dice.randrange(9) for key in ("shoe", "pets") if dice.random() < 0.5}
    )
    for order in range(dice.randrange(4)):
        paid_at = MOMENT - timedelta(days=dice.randrange(1, 400))
        row = orders.record(
            source="pos",
            order_no=f"{number}-{order}",
            member_id=member_id,
            lines=[],
            total_cents=dice.randrange(1, 9999),
        )
        orders.mark_paid(order_id=row.pk, paid_at=paid_at)
    for channel in ("sms", "inbox", "any"):
        if dice.random() < 0.6:
            Consent.objects.create(
                member_id=member_id, purpose="care", channel=channel, is_granted=dice.random() < 0.6, text_version="1",
                source=dice.choice(["import", "portal", "staff:call"]), at=MOMENT - timedelta(days=dice.randrange(1, 99)),
            )  # fmt: skip
    for letter in range(dice.randrange(3)):
        InboxMessage.objects.create(
            member_id=member_id, key=f"l:{number}:{letter}", title="t", body="b", created_at=MOMENT
        )
    for year in dice.sample([2024, 2025, 2026], dice.randrange(4)):
        Touch.objects.create(
            policy=Policy.objects.get(), version=Version.objects.get(), member_id=member_id, occurrence=f"birthday:{year}",
            channel="sms", state="sent", decided_at=MOMENT, settled_at=MOMENT,
        )  # fmt: skip
    if dice.random() < 0.3:
        states.freeze(member_id=member_id, cause="risk", reason="odd orders")
    return member_id


def everything(member_ids: tuple[int, int]) -> dict[str, Any]:
    """All rows of all declared tables, sealed values opened."""
    stats.refresh_members(member_ids=list(member_ids), moment=MOMENT)
    found: dict[str, Any] = {
        f"{held.model}:{member_id}": sorted(map(str, held.rows(member_id).values()))
        for held in holdings.holdings()
        for member_id in member_ids
        if held.model not in ELSEWHERE
    }
    # an empty account that the merge opened may stay; what stands in them must not differ
    totals = ("member_id", "currency_id", "balance", "pending", "held", "debt", "earned_total")
    found["points"] = list(Account.objects.filter(member_id__in=member_ids, earned_total__gt=0).values_list(*totals))
    columns = [field.attname for field in MemberStats._meta.fields if field.attname not in {"as_of"}]
    found["stats"] = list(MemberStats.objects.filter(pk__in=member_ids).order_by("pk").values(*columns))
    found["consents"] = list(
        ConsentNow.objects.filter(member_id__in=member_ids)
        .order_by("member_id", "channel")
        .values("member_id", "purpose", "channel", "is_granted", "at")
    )
    found["identities"] = [opened(row) for row in Identity.objects.filter(member_id__in=member_ids).order_by("pk")]
    return found


def opened(row: Identity) -> tuple[int, int, str, str]:
    key = ciphers.unwrap(bytes(MemberKey.objects.get(member_id=row.member_id).wrapped))
    value = ciphers.decrypt(person_key=key, blob=bytes(row.sealed), context=identities.context(row.kind))
    return row.pk, row.member_id, row.kind, value


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 24))])
def test_merging_and_undoing_restores_everything(seed, run_flows):
    dice = random.Random(seed)
    policy = Policy.objects.create(key="birthday", name="生日")
    Version.objects.create(policy=policy, number=1, trigger="birthday", channel="sms", template="x")
    for key in ("shoe", "pets"):
        Attribute.objects.create(key=key, label=key, type="number")
    pair = make_up(dice, 1), make_up(dice, 2)
    run_flows()
    before = everything(pair)

    choices = {name: dice.choice(field_policies.POLICIES) for name in field_policies.FIELDS if dice.random() < 0.7}
    merge_id = member_merged.merge(
        survivor_id=pair[0], loser_id=pair[1], choices=choices, source="t", reason="one person"
    )
    run_flows()
    if dice.random() < 0.5:
        member_merged.settle_merge(merge_id=merge_id)
    merged = everything(pair)
    assert Identity.objects.filter(member_id=pair[1]).count() == 0
    assert merged != before
    member_merged.unmerge(merge_id=merge_id)
    run_flows()

    assert everything(pair) == before
    with pytest.raises(DomainError):
        member_merged.merge(survivor_id=pair[0], loser_id=pair[0], choices={}, source="again")
    assert Member.objects.filter(pk__in=pair, merged_into=None).count() == 2
