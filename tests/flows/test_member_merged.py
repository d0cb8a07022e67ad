"""Two records, one person: what a merge moves, what it never decides by itself, and that undoing gives back exactly that."""

from datetime import timedelta

import pytest

from apps.care.models import Policy, Touch, Version
from apps.core import ciphers, tokens
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import AuditEntry, User
from apps.events.models import Event
from apps.flows import member_merged
from apps.gateways.models import InboxMessage
from apps.members import doubts, identities, merging, selectors, services, states
from apps.members.errors import MergeRefused, MergeRefusedStrongIds, UnmergeRefused
from apps.members.models import (
    ConsentNow,
    Identity,
    Member,
    MemberKey,
    Merge,
    MergeMove,
)  # fmt: skip
from apps.orders.models import Order
from apps.segments.models import MemberStats, StageChange
from tests.flows.pairs import FIRST_PHONE, MOMENT, SECOND_PHONE, buy, merge, say
from tests.orders.files import import_file


def test_the_loser_becomes_an_alias_and_everything_leads_to_the_survivor(two, run_flows):
    mine, theirs = two

    merge(two)
    run_flows()

    assert Member.objects.get(pk=theirs).status == "merged"
    assert selectors.current_id(theirs) == mine
    assert selectors.family(mine) == [mine, theirs]
    assert selectors.profile(theirs).member_no == "A1"
    assert selectors.find_by_identity(kind="openid", namespace="wx1", value="oABC") == mine
    assert selectors.find_by_phone(FIRST_PHONE) == mine
    assert selectors.search(text="B1").member_ids == [mine]
    assert services.resolve_for_import([("B1", ""), ("A1", "")], source="import")[0] == {"A1": mine, "B1": mine}
    assert set(Order.objects.values_list("member_id", flat=True)) == {mine}
    assert InboxMessage.objects.get().member_id == mine
    figures = MemberStats.objects.get(pk=mine)
    assert (figures.orders, figures.net_cents) == (3, 25_000)
    assert not MemberStats.objects.filter(pk=theirs).exists()


def test_fields_follow_their_policies_and_the_rest_fixed_rules(two):
    mine, _theirs = two

    merge(two, choices={"gender": "survivor", "birthday": "loser"})

    survivor = Member.objects.get(pk=mine)
    assert survivor.nickname == "林小溪"
    assert survivor.gender == ""
    assert (survivor.birth_year, survivor.birth_month, survivor.birth_day) == (1990, 5, 1)
    assert survivor.tags == ["直播", "老客"]
    assert (survivor.joined_at, survivor.source) == (MOMENT - timedelta(days=300), "import")


def test_everything_that_was_sealed_opens_with_the_survivors_key_alone(two):
    mine, theirs = two
    merge(two)
    MemberKey.objects.filter(member_id=theirs).delete()

    key = ciphers.unwrap(bytes(MemberKey.objects.get(member_id=mine).wrapped))
    opened = {
        row.kind: ciphers.decrypt(person_key=key, blob=bytes(row.sealed), context=identities.context(row.kind))
        for row in Identity.objects.filter(member_id=mine)
    }

    assert opened == {"phone": "+86" + FIRST_PHONE, "openid": "oABC"}
    assert b"\xe6\x9e\x97" not in bytes(Merge.objects.get().before_sealed), "values from before are sealed too"


def test_the_same_merge_again_and_its_mirror_image_change_nothing(two):
    mine, theirs = two
    first = merge(two)

    assert merge(two) == first
    assert merge(two, source="console:2") == first
    assert merge((theirs, mine), source="console:3") == first
    assert Merge.objects.count() == 1
    assert Event.objects.filter(name="member.merged").count() == 1


def test_a_record_is_not_merged_with_itself_or_with_nobody(two):
    mine, _theirs = two

    with pytest.raises(MergeRefused):
        merge((mine, mine))
    with pytest.raises(NotFound):
        merge((mine, 999_999))
    with pytest.raises(ValidationFailed):
        merge(two, choices={"member_no": "loser"})

    assert Merge.objects.count() == 0


@pytest.mark.parametrize("state", ["cancelled", "erased"])
def test_who_is_leaving_is_not_merged(two, state):
    Member.objects.filter(pk=two[1]).update(status=state)

    with pytest.raises(MergeRefused):
        merge(two)

    assert Merge.objects.count() == 0
    assert Order.objects.filter(member_id=two[1]).count() == 2


@pytest.mark.parametrize(
    ("kind", "namespace", "mine", "theirs"),
    [
        ("unionid", "", "u1", "u2"),
        ("openid", "wx1", "o1", None),
        ("external_userid", "", "e1", "e2"),
        ("phone", "", "17000000201", "17000000202"),
        ("email", "", "a@example.com", "b@example.com"),
    ],
)
def test_two_proven_identities_of_one_kind_are_never_merged_without_a_persons_reason(
    two, kind, namespace, mine, theirs
):
    for member_id, value in zip(two, (mine, theirs), strict=True):
        if value:
            services.add_identity(member_id=member_id, kind=kind, namespace=namespace, value=value, is_verified=True)

    with pytest.raises(MergeRefusedStrongIds) as refusal:
        merge(two, source="unionid:7")

    assert refusal.value.facts == {"kinds": [kind]}
    assert Merge.objects.count() == 0
    assert Identity.objects.filter(member_id=two[1], kind="openid").exists()
    assert merge(two, reason="she showed both phones in the store") == Merge.objects.get().pk


def test_an_unproven_phone_on_both_sides_is_no_sign_of_two_people(two):
    services.add_identity(member_id=two[1], kind="phone", value=SECOND_PHONE)

    merge(two)

    assert selectors.find_by_phone(SECOND_PHONE) == two[0]


@pytest.mark.parametrize(
    ("mine", "theirs", "counts"),
    [
        (None, (True, 5, "portal"), True),
        (None, (False, 5, "import"), False),
        ((True, 5, "portal"), None, True),
        ((True, 9, "import"), (False, 5, "import"), False),
        ((True, 5, "import"), (False, 9, "portal"), False),  # newer, but not the member's own word
        ((True, 5, "portal"), (False, 9, "portal"), True),  # newer and the member's own word
        ((False, 9, "sms:R"), (True, 5, "staff:call"), False),
        ((False, 9, "sms:R"), (True, 5, "mini-program"), True),
        ((False, 9, "sms:R"), (True, 5, "api"), True),
        ((False, 5, "portal"), (True, 9, "portal"), False),
    ],
)  # fmt: skip
def test_of_two_statements_the_withdrawal_counts_unless_the_member_agreed_later(two, mine, theirs, counts):
    for member_id, said in zip(two, (mine, theirs), strict=True):
        if said:
            say(member_id, is_granted=said[0], days_ago=said[1], source=said[2])
    before = list(ConsentNow.objects.filter(member_id=two[0]).values_list("is_granted", "at"))

    merge_id = merge(two)

    assert ConsentNow.objects.get(member_id=two[0]).is_granted is counts
    assert [line.is_granted for line in selectors.consents(two[0]) if line.is_newest] == [counts]
    assert len(selectors.consents(two[0])) == len([said for said in (mine, theirs) if said]), "no statement is lost"
    member_merged.unmerge(merge_id=merge_id)
    assert list(ConsentNow.objects.filter(member_id=two[0]).values_list("is_granted", "at")) == before


def test_a_statement_made_after_the_merge_survives_its_undoing(two):
    say(two[0], is_granted=True, days_ago=9)
    say(two[1], is_granted=True, days_ago=5)
    merge_id = merge(two)
    services.give_consent(
        member_id=two[0], purpose="care", channel="sms", is_granted=False, source="portal", text_version="1"
    )

    member_merged.unmerge(merge_id=merge_id)

    assert ConsentNow.objects.get(member_id=two[0]).is_granted is False
    assert ConsentNow.objects.get(member_id=two[1]).is_granted is True


def test_a_touch_for_the_same_occasion_stays_with_the_alias_and_the_others_move(two):
    policy = Policy.objects.create(key="birthday", name="生日")
    version = Version.objects.create(policy=policy, number=1, trigger="birthday", channel="sms", template="x")
    for member_id, occurrence in ((two[0], "birthday:2026"), (two[1], "birthday:2026"), (two[1], "birthday:2025")):
        Touch.objects.create(
            policy=policy, version=version, member_id=member_id, occurrence=occurrence, channel="sms", state="sent",
            decided_at=MOMENT, settled_at=MOMENT,
        )  # fmt: skip

    foreseen = {load.model: (load.moving, load.staying) for load in member_merged.preview(
        survivor_id=two[0], loser_id=two[1]
    ).loads}  # fmt: skip
    merge_id = merge(two)

    assert foreseen["care.Touch"] == (1, 1)
    assert sorted(Touch.objects.filter(member_id=two[0]).values_list("occurrence", flat=True)) == [
        "birthday:2025", "birthday:2026",
    ]  # fmt: skip
    member_merged.unmerge(merge_id=merge_id)
    assert Touch.objects.filter(member_id=two[1]).count() == 2


def test_the_preview_says_what_the_merge_then_does(two):
    said = member_merged.preview(survivor_id=two[0], loser_id=two[1])

    assert {row.name: row.after for row in said.rows} == {
        "nickname": "林小溪", "gender": "f", "birthday": [1990, 5, 1], "home_store": None, "attributes": {},
    }  # fmt: skip
    assert {load.model: load.moving for load in said.loads} == {
        "gateways.InboxMessage": 1, "members.MemberTag": 1, "orders.Order": 2,
    }  # fmt: skip
    assert (said.refusal, said.strong) == ("", ())
    assert Merge.objects.count() == 0
    merge_id = merge(two)
    moved = {row.model: len(row.row_ids) for row in MergeMove.objects.filter(merge_id=merge_id)}
    assert moved == {"gateways.InboxMessage": 1, "members.Identity": 1, "members.MemberTag": 1, "orders.Order": 2}


def test_log_ins_of_the_merged_record_end(two):
    user = User.objects.create_user(username="m-2")
    Member.objects.filter(pk=two[1]).update(user=user)
    pair = tokens.open_family(user_id=user.pk, client="mini:wx1")

    merge(two)

    assert tokens.find(pair.access) is None


def test_frozen_and_active_make_frozen(two):
    states.freeze(member_id=two[1], cause="risk", reason="odd orders")

    merge_id = merge(two)

    assert Member.objects.get(pk=two[0]).status == "frozen"
    member_merged.unmerge(merge_id=merge_id)
    assert Member.objects.get(pk=two[0]).status == "active"
    assert Member.objects.get(pk=two[1]).status == "frozen"


def test_audit_trail_and_fact_carry_ids_and_counts_and_no_values(two):
    merge(two, reason="called from 17000000101")

    lines = AuditEntry.objects.filter(action="member.merged").order_by("id")
    assert [line.object_id for line in lines] == [str(two[0]), str(two[1])]
    assert lines[0].after["moved"] == {"gateways.InboxMessage": 1, "members.MemberTag": 1, "orders.Order": 2}
    assert Merge.objects.get().reason == "called from [phone]"
    written = str([line.after for line in lines]) + str(Event.objects.get(name="member.merged").payload)
    assert "林小溪" not in written
    assert FIRST_PHONE not in written


def test_what_came_after_the_merge_stays_with_the_survivor(two, run_flows):
    merge_id = merge(two)
    later = buy(two[0], "O-9", days_ago=1)
    services.change_profile(member_id=two[0], nickname="溪")

    assert member_merged.unmerge(merge_id=merge_id) == two[1]
    run_flows()

    assert set(Order.objects.filter(member_id=two[1]).values_list("order_no", flat=True)) == {"O-2", "O-3"}
    assert Order.objects.get(pk=later).member_id == two[0]
    survivor = Member.objects.get(pk=two[0])
    assert (survivor.nickname, survivor.gender, survivor.birth_year) == ("溪", "", None)
    assert MemberStats.objects.get(pk=two[0]).orders == 2
    assert MemberStats.objects.get(pk=two[1]).orders == 2


def test_undoing_twice_is_undoing_once_and_the_pair_can_be_merged_anew(two):
    merge_id = merge(two)
    member_merged.unmerge(merge_id=merge_id)
    member_merged.unmerge(merge_id=merge_id)

    assert Event.objects.filter(name="member.unmerged").count() == 1
    assert merge(two, source="console:2") != merge_id
    assert selectors.current_id(two[1]) == two[0]


def test_a_merge_cannot_be_undone_after_thirty_days_or_under_a_later_one_or_after_an_erasure(two, clock):
    merge_id = merge(two)
    third = services.register(source="portal")
    later = merge((third, two[0]), source="console:2")

    with pytest.raises(UnmergeRefused) as refusal:
        member_merged.unmerge(merge_id=merge_id)
    assert refusal.value.facts == {"why": "later_merge"}

    member_merged.unmerge(merge_id=later)
    assert selectors.current_id(two[1]) == two[0]
    made_at = Merge.objects.get(pk=merge_id).at
    clock(made_at + merging.UNDO_FOR)
    with pytest.raises(UnmergeRefused) as refusal:
        member_merged.unmerge(merge_id=merge_id)
    assert refusal.value.facts == {"why": "late"}
    clock(made_at + timedelta(days=1))
    Member.objects.filter(pk=two[0]).update(status="erased")
    with pytest.raises(UnmergeRefused) as refusal:
        member_merged.unmerge(merge_id=merge_id)
    assert refusal.value.facts == {"why": "erased"}
    assert selectors.current_id(two[1]) == two[0]


def test_an_alias_of_an_alias_leads_to_the_last_survivor_in_one_step(two):
    merge(two)
    third = services.register(source="portal")

    merge((third, two[0]), source="console:2")

    assert selectors.current_ids([*two, third]) == {two[0]: third, two[1]: third, third: third}
    assert set(Order.objects.values_list("member_id", flat=True)) == {third}


def test_a_straggler_written_to_the_alias_is_taken_in_and_given_back(two, run_flows):
    merge_id = merge(two)
    run_flows()
    late = Order.objects.get(order_no="O-3")
    Order.objects.filter(pk=late.pk).update(member_id=two[1])
    MergeMove.objects.filter(model="orders.Order").delete()

    assert member_merged.settle_recent() == 1
    assert Order.objects.get(pk=late.pk).member_id == two[0]

    member_merged.unmerge(merge_id=merge_id)
    assert Order.objects.get(pk=late.pk).member_id == two[1]


def test_a_merge_triggers_no_care_by_moving_stages(two, run_flows):
    told = StageChange.objects.order_by("-pk").values_list("pk", flat=True).first()
    before = list(MemberStats.objects.order_by("pk").values_list("pk", "stage", "orders", "net_cents", "stage_since"))

    merge_id = merge(two)
    run_flows()
    member_merged.unmerge(merge_id=merge_id)
    run_flows()

    assert set(StageChange.objects.filter(pk__gt=told).values_list("cause", flat=True)) <= {"corrected"}
    after = list(MemberStats.objects.order_by("pk").values_list("pk", "stage", "orders", "net_cents", "stage_since"))
    assert after == before


def test_values_from_before_are_dropped_once_nothing_can_be_undone(two, clock):
    merge(two)
    clock(Merge.objects.get().at + merging.UNDO_FOR + timedelta(seconds=1))

    assert merging.forget_images() == 1

    assert Merge.objects.get().before_sealed is None


def test_a_file_that_names_the_merged_record_is_the_survivors_and_the_same_file_again_changes_nothing(two, tmp_path):
    content = "order_no,member_no,paid_at,total\nF-1,B1,2026-10-01 10:00:00,120.50\n"
    assert import_file(tmp_path, content)["orders_added"] == 1
    merge(two)

    again = import_file(tmp_path, content)
    more = import_file(tmp_path, content + "F-2,B1,2026-10-02 10:00:00,80\nF-1,OTHER,2026-10-01 10:00:00,120.50\n")

    assert (again["orders_added"], again["orders_known"], again["rejected"]) == (0, 1, 0)
    assert Order.objects.get(order_no="F-2").member_id == two[0]
    assert set(Order.objects.values_list("member_id", flat=True)) == {two[0]}
    assert more["orders_added"] == 1


def test_of_several_phones_the_proven_one_is_written_to(two):
    services.add_identity(member_id=two[0], kind="phone", value=FIRST_PHONE)
    Identity.objects.filter(kind="phone").update(verified_at=MOMENT)
    services.add_identity(member_id=two[1], kind="phone", value=SECOND_PHONE)

    merge(two)

    assert selectors.phones([two[0]]) == {two[0]: "+86" + FIRST_PHONE}


def test_what_was_asked_about_the_merged_record_is_asked_about_the_survivor(two):
    asked, apart = (services.register(source="portal") for _ in range(2))
    for other, cause in ((asked, "phone"), (apart, "found")):
        doubts.raise_doubt(member_ids=(two[1], other), cause=cause)
    doubts.decide_apart(member_ids=(two[1], apart))

    def waiting() -> set[tuple[int, int]]:
        return {(case.first_id, case.second_id) for case in doubts.waiting()}

    assert waiting() == {(two[1], asked)}
    merge_id = merge(two)

    assert waiting() == {(two[0], asked)}
    assert not doubts.raise_doubt(member_ids=(two[0], apart), cause="found"), "two people stay two people"
    member_merged.unmerge(merge_id=merge_id)
    assert waiting() == {(two[1], asked)}
    assert doubts.raise_doubt(member_ids=(two[0], apart), cause="found")
