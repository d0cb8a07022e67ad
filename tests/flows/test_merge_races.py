"""Merges at the same moment: the mirror image, chains, undoing, orders that arrive meanwhile. Real threads, real PostgreSQL."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest
from django.db import connection

from apps.core.errors import DomainError
from apps.flows import member_merged
from apps.members import selectors, services
from apps.members.models import Identity, Member, Merge
from apps.orders import services as orders
from apps.orders.models import Order

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works: Callable[[], object]) -> list[object]:
    """Begin all at once; a refusal is an answer too."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        gate.wait()
        try:
            return work()
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def person(number: int) -> int:
    member_id = services.register(source="portal", phone=f"1700000{number:04d}")
    orders.record(source="pos", order_no=f"R-{number}", member_id=member_id, lines=[], total_cents=100)
    return member_id


def merging(survivor: int, loser: int, source: str) -> Callable[[], object]:
    return lambda: member_merged.merge(survivor_id=survivor, loser_id=loser, choices={}, source=source)


def assert_one_member_has_all(member_ids: list[int]) -> None:
    (root,) = set(selectors.current_ids(member_ids).values())
    assert Member.objects.filter(pk__in=member_ids, merged_into=None).count() == 1
    assert not Member.objects.filter(merged_into__merged_into__isnull=False).exists(), "one step leads to the survivor"
    assert set(Order.objects.values_list("member_id", flat=True)) == {root}
    assert set(Identity.objects.values_list("member_id", flat=True)) == {root}


@pytest.mark.parametrize("turn", range(5))
def test_a_into_b_and_b_into_a_are_one_merge(turn):
    first, second = person(1), person(2)

    said = together(merging(first, second, "t:1"), merging(second, first, "t:2"))

    assert Merge.objects.count() == 1
    assert set(said) == {Merge.objects.get().pk}
    assert_one_member_has_all([first, second])


@pytest.mark.parametrize("turn", range(5))
def test_a_chain_in_any_order_ends_in_one_member(turn):
    first, second, third = person(1), person(2), person(3)

    together(merging(second, first, "t:1"), merging(third, second, "t:2"), merging(first, third, "t:3"))

    assert Merge.objects.count() == 2
    assert_one_member_has_all([first, second, third])


def test_every_pair_of_five_at_once_ends_in_one_member():
    people = [person(number) for number in range(5)]
    pairs = list(combinations(people, 2))
    random.Random(7).shuffle(pairs)

    together(*(merging(one, other, f"t:{one}:{other}") for one, other in pairs))

    assert Merge.objects.count() == 4
    assert_one_member_has_all(people)


def test_one_source_many_times_is_one_merge():
    first, second = person(1), person(2)

    said = together(*(merging(first, second, "t:1") for _ in range(6)))

    assert set(said) == {Merge.objects.get().pk}
    assert_one_member_has_all([first, second])


@pytest.mark.parametrize("turn", range(5))
def test_undoing_twice_at_once_with_a_new_merge_leaves_every_row_with_one_owner(turn):
    first, second = person(1), person(2)
    merge_id = member_merged.merge(survivor_id=first, loser_id=second, choices={}, source="t:1")

    together(
        lambda: member_merged.unmerge(merge_id=merge_id),
        lambda: member_merged.unmerge(merge_id=merge_id),
        merging(first, second, "t:2"),
    )

    roots = set(selectors.current_ids([first, second]).values())
    assert set(Order.objects.values_list("member_id", flat=True)) == roots
    assert set(Identity.objects.values_list("member_id", flat=True)) == roots
    assert Merge.objects.filter(undone_at=None).count() == 2 - len(roots)


@pytest.mark.parametrize("turn", range(5))
def test_an_order_that_arrives_during_the_merge_ends_with_the_survivor(turn):
    first, second = person(1), person(2)

    def arrive() -> None:
        for number in range(10):
            orders.record(source="till", order_no=f"T-{number}", member_id=second, lines=[], total_cents=100)

    together(merging(first, second, "t:1"), arrive)
    member_merged.settle_recent()

    assert Order.objects.filter(member_id=first).count() == 12
    assert not Order.objects.filter(member_id=second).exists()
