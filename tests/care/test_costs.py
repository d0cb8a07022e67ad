"""Marketing costs: once per source, taken back by a row of their own, never changed."""

from datetime import date

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from apps.care.campaigns import costs
from apps.care.campaigns.costs import Entry
from apps.care.journeys import editing
from apps.care.models import Cost, Policy
from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from tests.care.conftest import Shop

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 9)


def _entry(cents: int, source: str, *, about: str = "lapsing", channel: str = "ads") -> Entry:
    return Entry(about, channel, DAY, cents, source)


@pytest.fixture(autouse=True)
def policy(shop: Shop) -> Policy:
    return shop.policy().policy


def test_a_source_counts_once_and_says_so_when_it_says_something_else() -> None:
    assert costs.enter([_entry(12_000, "INV-1"), _entry(500, "INV-2")], user_id=None) == 2
    assert costs.enter([_entry(12_000, "INV-1"), _entry(700, "INV-3")], user_id=None) == 1
    with pytest.raises(costs.SourceTaken, match="INV-1"):
        costs.enter([_entry(900, "INV-4"), _entry(12_001, "INV-1")], user_id=None)
    stands = sorted(Cost.objects.values_list("source", "amount_cents"))
    assert stands == [("INV-1", 12_000), ("INV-2", 500), ("INV-3", 700)]


def test_what_is_taken_back_counts_no_more_and_can_be_entered_right(policy: Policy) -> None:
    costs.enter([_entry(12_000, "a"), _entry(300, "b")], user_id=None)
    wrong = Cost.objects.get(source="a")
    costs.take_back(cost_id=wrong.pk, user_id=None, note="x10")
    with pytest.raises(costs.TakenBack):
        costs.take_back(cost_id=wrong.pk, user_id=None)
    with pytest.raises(NotFound):
        costs.take_back(cost_id=Cost.objects.get(corrects=wrong).pk, user_id=None)
    costs.enter([_entry(1_200, "a2")], user_id=None)
    assert [(one.policy_id, one.channel, one.amount_cents) for one in costs.totals()] == [(policy.pk, "ads", 1_500)]
    assert AuditEntry.objects.filter(action="care_cost.insert").count() == 4


def test_the_cost_of_a_journeys_message_counts_for_the_journey(policy: Policy) -> None:
    journey = editing.create(key="spring", name="spring")
    Policy.objects.create(key="spring.a", name="a", journey=journey)
    costs.enter([_entry(100, "1", about="spring"), _entry(50, "2", about="spring.a"), _entry(9, "3")], user_id=None)
    found = [(one.journey_id, one.policy_id, one.amount_cents) for one in costs.totals(since=DAY, until=DAY)]
    assert found == [(journey.pk, None, 150), (None, policy.pk, 9)]
    assert costs.totals(since=date(2026, 3, 10)) == []


def test_an_unknown_campaign_enters_nothing_of_the_file() -> None:
    with pytest.raises(NotFound):
        costs.enter([_entry(100, "1"), _entry(100, "2", about="nowhere")], user_id=None)
    assert Cost.objects.count() == 0


def test_the_database_keeps_rows_as_they_are(policy: Policy) -> None:
    costs.enter([_entry(100, "1")], user_id=None)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Cost.objects.update(amount_cents=1)
    for wrong in ({"amount_cents": -5}, {"amount_cents": 5, "journey": editing.create(key="j", name="j")}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Cost.objects.create(policy=policy, channel="ads", day=DAY, source="x", **wrong)
