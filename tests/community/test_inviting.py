"""Ways into a group: by tag through the gate of care, by a word, by one's store; a code leads on from a live code's welcome."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.care.models import Touch
from apps.community import codes, group_codes, inviting
from apps.community.models import Contact, GroupCode, GroupMember, Invitation, Invitee
from apps.core.errors import NotFound, ValidationFailed
from apps.members import services as registering
from apps.members import tagging
from apps.members.models import Member
from apps.stores.models import Store
from tests.care.conftest import Shop
from tests.community.conftest import LIN, NOON, WHOLE_WEEK, WeCom
from tests.community.test_contacts import member
from tests.community.test_groups import chat


def code(house: WeCom, name: str = "门店群") -> GroupCode:
    return group_codes.create(name=name, base_name="会员群", chats=[chat(house)])


def tagged(*members: int) -> int:
    tag_id = tagging.known_tags(["茶友"])["茶友"]
    tagging.give(member_ids=list(members), tag_ids=[tag_id], source="manual")
    return tag_id


def test_everybody_with_the_tag_outside_the_groups_is_invited_once_and_care_decides(
    wecom_house: WeCom, run_flows: Callable[..., None]
):
    inside, out, other = member(1, union="an"), member(2), member(3)
    made = code(wecom_house)
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.do("join", state=made.state, person="an")
    wecom_house.hear()
    Shop().policy(
        "invite", trigger="group_invite", params={"window_days": 2}, channel="inbox", send_hour=0, missing={},
        template="欢迎加入{{ group_name }}：{{ group_link }}", is_transactional=False,
    )  # fmt: skip
    agreed = [inside, out, other]
    registering.grant_consents(
        member_ids=agreed, purpose="care", channel="inbox", source="t", text_version="1", moment=NOON
    )
    tag_id = tagged(inside, out)
    first = inviting.invite(code_id=made.pk, tag_id=tag_id, source="s")
    assert inviting.invite(code_id=made.pk, tag_id=tag_id, source="s") == first
    run_flows()

    assert list(Invitee.objects.values_list("member_id", flat=True)) == [out]
    assert list(Touch.objects.values_list("member_id", "occurrence", "state")) == [
        (out, f"group:{first.pk}", "planned")
    ]
    assert other not in Touch.objects.values_list("member_id", flat=True)
    with pytest.raises(inviting.NobodyToInvite):
        inviting.invite(code_id=made.pk, tag_id=tagging.known_tags(["没人"])["没人"], source="t")
    with pytest.raises(NotFound):
        inviting.invite(code_id=0, tag_id=tag_id, source="u")
    assert Invitation.objects.count() == 1


def test_who_comes_in_by_the_code_is_counted_with_the_invitation(wecom_house: WeCom):
    made, who = code(wecom_house), member(1, union="an")
    inviting.invite(code_id=made.pk, tag_id=tagged(who), source="s")
    wecom_house.do("add", userid=LIN, person="an")
    wecom_house.do("join", state=made.state, person="an")
    wecom_house.do("join", state=made.state, person="bo")
    wecom_house.hear()

    assert [(row["invited"], row["joined"]) for row in inviting.results()] == [(1, 1)]
    assert set(GroupMember.objects.filter(is_staff=False).values_list("code_id", flat=True)) == {made.pk}


def test_a_word_finds_its_code_whatever_its_case_and_no_other_code_may_have_it(wecom_house: WeCom):
    first = code(wecom_house)
    second = group_codes.create(name="二店", base_name="群", chats=[chat(wecom_house, "群2")])
    group_codes.set_finding(code_id=first.pk, store_id=None, word="  Tea  Club ", is_shown=False)
    with pytest.raises(ValidationFailed):
        group_codes.set_finding(code_id=second.pk, store_id=None, word="tea club", is_shown=False)

    assert inviting.by_word("TEA club") == first
    for nothing in ("", "  ", "tea"):
        with pytest.raises(inviting.WordUnknown):
            inviting.by_word(nothing)


def test_members_see_their_stores_code_before_those_of_no_store_and_none_of_another(wecom_house: WeCom):
    here, there = (Store.objects.create(code=name, name=name) for name in ("一店", "二店"))
    who = member(1)
    Member.objects.filter(pk=who).update(home_store=here)
    made = [group_codes.create(name=f"码{n}", base_name="群", chats=[chat(wecom_house, f"群{n}")]) for n in range(4)]
    for row, (store, is_shown) in zip(made, [(None, True), (here, True), (there, True), (here, False)], strict=True):
        group_codes.set_finding(code_id=row.pk, store_id=store.pk if store else None, word="", is_shown=is_shown)
    assert [row.name for row in inviting.for_member(who)] == ["码1", "码0"]
    GroupCode.objects.filter(name="码1").update(trouble=group_codes.NO_ROOM)

    assert [row.name for row in inviting.for_member(who)] == ["码0"]


def test_a_live_code_leads_new_customers_on_into_a_group(wecom_house: WeCom):
    led: dict[str, Any] = {"days": WHOLE_WEEK, "from": "00:00", "until": "00:00", "users": [LIN]}
    made = code(wecom_house)
    live = codes.create(name="门口", shifts=[led], welcome="欢迎", group_code_id=made.pk)
    wecom_house.do("add", person="an", state=live.state)
    wecom_house.hear()

    assert [doc["text"] for doc in wecom_house.wecom_told("welcomes")["welcomes"]] == [f"欢迎\n{made.qr_url}"]
    assert Contact.objects.count() == 1
