import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from jsonschema import Draft202012Validator

from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.coupons import templates
from apps.coupons import terms as grammar
from apps.coupons.models import Stock, Template, Version
from tests.coupons import making


def shop(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.SHOP_ZONE)


def refused(terms: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as caught:
        grammar.checked(terms)
    errors: Any = caught.value.facts["errors"]
    return [(one["pointer"], one["code"]) for one in errors]


def test_the_published_schema_is_the_one_that_is_used_and_a_foreign_validator_agrees():
    published = Path(settings.BASE_DIR) / "docs" / "coupon-terms.schema.json"
    assert json.loads(published.read_text()) == grammar.SCHEMA

    Draft202012Validator.check_schema(grammar.SCHEMA)
    foreign = Draft202012Validator(grammar.SCHEMA)
    assert foreign.is_valid(making.terms())
    assert not foreign.is_valid(making.terms(colour="red"))


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [
        (making.terms(colour="red"), [("/colour", "unknown_field")]),
        (making.terms(first_order="yes"), [("/first_order", "not_yes_or_no")]),
        (making.terms({"kind": "free_item"}), [("/level", "level_does_not_fit")]),
        (making.terms(units=2), [("/units", "only_for_items")]),
        (making.terms(hours=[{"from": "24:00", "until": "3:00"}]), [("/hours/0/from", "wrong_form"), ("/hours/0/until", "wrong_form")]),
        (making.terms(valid={"kind": "between", "from": "2026-03-02", "to": "2026-03-01"}), [("/valid/to", "ends_before_start")]),
        (making.terms(valid={"kind": "between", "from": "2026-02-30", "to": "2026-03-01"}), [("/valid/from", "not_a_date")]),
        (
            making.terms({"kind": "steps", "steps": [{"from_cents": 200, "off_cents": 20}, {"from_cents": 300, "off_cents": 20}]}),
            [("/gives/steps/1", "steps_not_rising")],
        ),
        (
            making.terms({"kind": "steps", "steps": [{"from_cents": 200, "off_cents": 201}]}),
            [("/gives/steps/0/off_cents", "more_than_asked")],
        ),
    ],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused_with_the_place(terms, wrong):
    assert refused(terms) == wrong


def test_days_are_shop_days_and_the_last_one_counts_whole():
    claimed = shop("2028-02-28T23:59:59")
    plain = making.terms(valid={"kind": "after_claim", "days": 2})
    assert grammar.validity(plain, claimed_at=claimed) == (claimed, shop("2028-03-01"))  # 2028 has a 29 February
    later = making.terms(valid={"kind": "after_claim", "days": 1, "starts_after": 1})
    assert grammar.validity(later, claimed_at=claimed) == (shop("2028-02-29"), shop("2028-03-01"))
    fixed = making.terms(valid={"kind": "between", "from": "2026-12-31", "to": "2026-12-31"})
    assert grammar.validity(fixed, claimed_at=claimed) == (shop("2026-12-31"), shop("2027-01-01"))


def test_parsed_terms_read_the_clock_in_minutes_and_lists_as_sets():
    read = grammar.parse(
        making.terms(hours=[{"from": "17:00", "until": "20:30"}], stores=["s1"], only={"brands": ["Tea"]})
    )
    assert (read.hours, read.stores, read.only.brands) == (((1020, 1230),), {"s1"}, {"Tea"})
    assert (bool(read.only), bool(read.never), read.minimum_cents) == (True, False, 0)


@pytest.mark.django_db
def test_a_new_version_leaves_the_terms_of_coupons_that_are_out():
    made = making.template()
    first = made.version
    assert first is not None
    templates.save(template_id=made.pk, draft=making.terms({"kind": "amount", "cents": 5}))
    second = templates.freeze(template_id=made.pk)
    assert templates.freeze(template_id=made.pk) == second  # nothing new, no new version
    assert (second.number, Version.objects.get(pk=first.pk).terms["gives"]["cents"]) == (2, 3_000)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Version.objects.filter(pk=first.pk).update(terms={})


@pytest.mark.django_db
def test_a_stock_cannot_fall_below_what_is_out():
    made = making.template(most=5)
    Stock.objects.filter(pk=made.pk).update(issued=4)
    with pytest.raises(templates.StockBelowIssued):
        templates.set_stock(template_id=made.pk, most=3)
    assert templates.left(templates.set_stock(template_id=made.pk, most=4)) == 0
    with pytest.raises(DatabaseError, match="coupons_issued_within_stock"), transaction.atomic():
        Stock.objects.filter(pk=made.pk).update(issued=5)


@pytest.mark.django_db
def test_what_was_never_published_cannot_run():
    draft = templates.create(key="draft", name="草稿", draft={"gives": {}})
    with pytest.raises(templates.NeverPublished):
        templates.resume(template_id=draft.pk)
    with pytest.raises(ValidationFailed):
        templates.freeze(template_id=draft.pk)
    assert Template.objects.get(pk=draft.pk).state == "draft"
    with pytest.raises(DatabaseError, match="coupons_running_has_terms"), transaction.atomic():
        Template.objects.filter(pk=draft.pk).update(state="running")
