"""The brand's own fields: defined once, their type kept while members have values, found and filtered by."""

from datetime import UTC, datetime

import pytest

from apps.analytics.lists import members as listed
from apps.core.errors import ValidationFailed
from apps.members import attributes, fields, selectors
from apps.members import services as members
from apps.members.errors import FieldInUse, FieldNameTaken
from apps.members.models import Attribute, Member

pytestmark = pytest.mark.django_db
JOINED = datetime(2026, 1, 1, tzinfo=UTC)


def pointers(refusal) -> list[str]:
    return [error["pointer"] for error in refusal.value.facts["errors"]]


@pytest.fixture
def size() -> Attribute:
    key = fields.define(key="size", label="尺码", type="choice", choices=["大", " 中 ", "大", ""], is_searchable=True)
    return Attribute.objects.get(pk=key)


def change(field: Attribute, **changes: object) -> None:
    said = {
        name: getattr(field, name) for name in ("label", "type", "choices", "is_searchable", "is_shown", "position")
    }
    fields.change(field_id=field.pk, **{**said, **changes})


def test_a_field_is_defined_once_with_a_key_that_files_can_write(size: Attribute):
    assert (size.choices, size.position, size.is_shown) == (["大", "中"], 1, True)
    with pytest.raises(FieldNameTaken):
        fields.define(key="size", label="别的", type="text")
    with pytest.raises(ValidationFailed) as refusal:
        fields.define(key="Größe", label=" ", type="shape")
    assert pointers(refusal) == ["/key", "/type", "/label"]
    with pytest.raises(ValidationFailed) as refusal:
        fields.define(key="x", label="x", type="choice", choices=["一"])
    assert pointers(refusal) == ["/choices"]
    assert Attribute.objects.count() == 1


def test_with_values_the_type_and_the_choices_in_use_stay(size: Attribute):
    member_id = members.register(source="test")
    attributes.set_attributes(member_id=member_id, values={"size": "大"})
    with pytest.raises(FieldInUse):
        change(size, type="text")
    with pytest.raises(ValidationFailed):
        change(size, choices=["中", "小"])
    change(size, choices=["大", "小"], label="衣服尺码")

    size.refresh_from_db()
    assert (size.type, size.choices, size.label) == ("choice", ["大", "小"], "衣服尺码")
    attributes.set_attributes(member_id=member_id, values={"size": None})
    change(size, type="text")
    assert fields.counts() == {}


def test_a_retired_field_keeps_its_values_and_takes_no_new_ones(size: Attribute):
    member_id = members.register(source="test")
    attributes.set_attributes(member_id=member_id, values={"size": "大"})
    fields.retire(field_id=size.pk)
    with pytest.raises(ValidationFailed):
        attributes.set_attributes(member_id=member_id, values={"size": "中"})
    assert Member.objects.get(pk=member_id).attributes == {"size": "大"}

    fields.bring_back(field_id=size.pk)
    assert attributes.set_attributes(member_id=member_id, values={"size": "中"}) == {"size": "中"}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "1,200", 1200), ("number", "1.5", 1.5), ("number", "nan", None), ("number", "一", None),
        ("number", "1e300", None), ("flag", "是", True), ("flag", "No", False), ("flag", "maybe", None),
        ("date", "2026-02-28", "2026-02-28"), ("date", "2026-02-30", None), ("text", " 左手 ", "左手"), ("text", " ", ""),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_a_value_of_the_type_or_does_not_fit(kind: str, text: str, value: object):
    field = Attribute(key="x", label="x", type=kind)
    found = attributes.parsed(field, text)

    if value == "":
        assert found is None
    else:
        assert (attributes.fits(field, found), found if value is not None else None) == (value is not None, value)


def test_searchable_texts_are_found_and_choices_filter_the_list(size: Attribute):
    fields.define(key="hand", label="惯用手", type="text", is_searchable=True)
    fields.define(key="note", label="备注", type="text")
    ids = [members.register(source="test") for _ in range(3)]
    attributes.set_attributes(member_id=ids[0], values={"size": "大", "hand": "左手"})
    attributes.set_attributes(member_id=ids[1], values={"size": "中", "note": "左手"})

    assert selectors.search(text="左手").member_ids == [ids[0]]
    assert [row["id"] for row in listed.find(wanted=listed.Wanted(fields=("size=中",))).rows] == [ids[1]]
