from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from apps.gateways import inbox
from apps.gateways.inbox import Letter
from apps.gateways.models import InboxMessage

MOMENT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def letters(*numbers: int) -> list[Letter]:
    return [Letter(key=f"touch:{n}", member_id=n, title="好久不见", body="送您一张券") for n in numbers]


@pytest.mark.django_db
def test_letters_are_delivered_once_by_one_statement_and_accepted_twice(
    django_assert_num_queries: object,
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        first = inbox.deliver_batch(letters(1, 2), moment=MOMENT)
    again = inbox.deliver_batch(letters(2, 1, 3), moment=MOMENT)

    assert [(o.key, o.state) for o in first] == [("touch:1", "accepted"), ("touch:2", "accepted")]
    assert [(o.key, o.state) for o in again] == [(f"touch:{n}", "accepted") for n in (2, 1, 3)]
    assert sorted(InboxMessage.objects.values_list("key", flat=True)) == ["touch:1", "touch:2", "touch:3"]


@pytest.mark.django_db
def test_a_member_sees_their_own_messages_and_reads_each_once() -> None:
    inbox.deliver_batch(letters(1, 2), moment=MOMENT)
    (message,) = inbox.find_for_member(member_id=1)

    assert inbox.mark_read(member_id=2, message_id=message.pk, moment=MOMENT) is False
    assert inbox.mark_read(member_id=1, message_id=message.pk, moment=MOMENT) is True
    assert inbox.mark_read(member_id=1, message_id=message.pk, moment=MOMENT) is False
    assert inbox.find_for_member(member_id=2).get().read_at is None


@pytest.mark.django_db
def test_nothing_to_deliver_is_nothing() -> None:
    assert inbox.deliver_batch([], moment=MOMENT) == []


@pytest.mark.django_db(transaction=True)
def test_eight_workers_with_the_same_letters_fill_the_inbox_once() -> None:
    def deliver(_: int) -> int:
        try:
            return len(inbox.deliver_batch(letters(*range(200)), moment=MOMENT))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(deliver, range(8))) == [200] * 8

    assert InboxMessage.objects.count() == 200
