"""Search by what staff type, within their stores, page by page; tags and typed attributes."""

import pytest

from apps.core.errors import NotFound, ValidationFailed
from apps.members import selectors, services
from apps.members.models import Attribute, Identity, Member
from apps.stores.models import Store


@pytest.fixture
def shops(db: None) -> list[Store]:
    return [Store.objects.create(code=code, name=code) for code in ("A", "B")]


def test_staff_find_a_member_by_tail_phone_number_card_and_part_of_the_name(shops):
    lin = services.register(
        source="portal", member_no="M-77", nickname="林清溪", phone="13900270451", home_store_id=shops[0].pk
    )
    services.add_identity(member_id=lin, kind=Identity.Kind.CARD, value="C-1001")
    services.register(source="portal", member_no="M-78", nickname="周明远", phone="13900279999")

    for text in ("0451", "139 0027 0451", "+8613900270451", "M-77", "C-1001", "清溪", " 林清 "):
        assert selectors.search(text=text).member_ids == [lin], text
    for text in ("", "  ", "0452", "13900270452", "M-7", "吴", "%", "_"):
        assert selectors.search(text=text).member_ids == [], text


def test_a_search_stays_within_the_stores_one_may_see(shops):
    here = services.register(source="portal", nickname="林清溪", phone="13900270451", home_store_id=shops[0].pk)
    there = services.register(source="portal", nickname="林清雨", phone="13800270451", home_store_id=shops[1].pk)
    nowhere = services.register(source="portal", nickname="林清风")

    assert selectors.search(text="林清").member_ids == [here, there, nowhere]
    assert selectors.search(text="林清", store_ids=[shops[0].pk]).member_ids == [here]
    assert selectors.search(text="0451", store_ids=[shops[1].pk]).member_ids == [there]
    assert selectors.search(text="13900270451", store_ids=[shops[1].pk]).member_ids == []
    assert selectors.search(text="林清", store_ids=[]).member_ids == []


def test_pages_follow_each_other_without_gap_or_repeat(db):
    everyone = [services.register(source="portal", nickname=f"林{n}") for n in range(7)]
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = selectors.search(text="林", after=after, limit=3)
        seen += page.member_ids
        after = page.next_after

    assert seen == everyone


def test_a_profile_is_frozen_and_a_missing_one_is_not_found(db):
    member_id = services.register(source="qr:poster-7", member_no="M1", nickname="林清溪", phone="13900270451")
    profile = selectors.profile(member_id)

    assert (profile.member_no, profile.nickname, profile.source) == ("M1", "林清溪", "qr:poster-7")
    assert profile.identity_kinds == ("phone",)
    assert profile.public_id.startswith("mem_")
    with pytest.raises(AttributeError):
        profile.nickname = "x"  # type: ignore[misc]
    with pytest.raises(NotFound):
        selectors.profile(member_id + 1)


def test_tags_are_trimmed_sorted_and_each_once(db):
    member_id = services.register(source="portal")

    assert services.set_tags(member_id=member_id, tags=[" vip", "养猫", "vip", " "]) == ["vip", "养猫"]
    with pytest.raises(ValidationFailed):
        services.set_tags(member_id=member_id, tags=["x" * 41])
    assert Member.objects.get().tags == ["vip", "养猫"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", "oolong", 7),
        ("number", 4.5, "4.5"),
        ("number", 4, True),
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2026-02-28", "20260228"),
        ("flag", False, 0),
        ("choice", "tea", "beer"),
    ],
)
def test_an_attribute_takes_its_own_type_only(db, kind, good, bad):
    Attribute.objects.create(key="field", label="Field", type=kind, choices=["tea", "coffee"])
    member_id = services.register(source="portal")

    assert services.set_attributes(member_id=member_id, values={"field": good}) == {"field": good}
    with pytest.raises(ValidationFailed) as refusal:
        services.set_attributes(member_id=member_id, values={"field": bad})

    assert refusal.value.facts["errors"][0]["pointer"] == "/attributes/field"
    assert Member.objects.get().attributes == {"field": good}
    assert services.set_attributes(member_id=member_id, values={"field": None}) == {}


def test_a_field_that_was_not_declared_is_refused_with_the_good_one_beside_it(db):
    Attribute.objects.create(key="field", label="Field", type="text")
    member_id = services.register(source="portal")

    with pytest.raises(ValidationFailed):
        services.set_attributes(member_id=member_id, values={"field": "x", "unheard": 1})
    assert Member.objects.get().attributes == {}
