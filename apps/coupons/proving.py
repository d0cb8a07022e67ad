"""A rush on few coupons, counted afterwards. For tests, `bin/manage prove_value` and the bench; never on the brand's own data."""

import random
from collections.abc import Callable, Sequence

from django.db import connection

from apps.core import crowds
from apps.coupons import issuing, templates
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template
from apps.members.models import Member

TERMS = {
    "gives": {"kind": "amount", "cents": 1_000},
    "level": "order",
    "valid": {"kind": "after_claim", "days": 30},
}
Claim = Callable[[Template, int, str], str]


def sale(*, key: str, most: int, is_flash: bool = False, per_member: int | None = 1) -> Template:
    """A running template in the centre."""
    made = templates.create(
        key=key, name=key[:60], draft=TERMS, most=most, per_member=per_member, is_in_centre=True, is_flash=is_flash
    )
    templates.freeze(template_id=made.pk)
    made.refresh_from_db()
    return made


def people(*, stamp: str, count: int) -> list[int]:
    made = Member.objects.bulk_create(Member(member_no=f"{stamp}-{number}") for number in range(count))
    return [member.pk for member in made]


def by_database(of: Template, member_id: int, source: str) -> str:
    return outcome(lambda: issuing.claim(shopper=Shopper(member_id), template_id=of.pk, source=source))


def outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except CouponRefused as refused:
        return refused.code
    return "done"


def rush(
    *, of: Template, members: Sequence[int], each: int, at_once: int, claim: Claim = by_database,
    meanwhile: Callable[[int], None] | None = None, processes: int = 1,
) -> dict[str, int]:  # fmt: skip
    """Every member claims `each` times, under sources of their own, one try soon after the other. How many came to what.
    `meanwhile` hears the number of each of the first thread's tries."""
    chance = random.Random(1)  # noqa: S311 - made-up claims
    tries = [(member_id, turn) for member_id in members for turn in range(each)]
    tries.sort(key=lambda one: one[0] + chance.random() * 200)

    def work(seat: int, gate: crowds.Gate) -> dict[str, int]:
        counted: dict[str, int] = {}
        gate.wait()
        for number, (member_id, turn) in enumerate(tries[seat::at_once]):
            if meanwhile is not None and seat == 0:
                meanwhile(number)
            said = claim(of, member_id, f"rush:{of.pk}:{member_id}:{turn}")
            counted[said] = counted.get(said, 0) + 1
        return counted

    told = crowds.run(work, seats=at_once, processes=processes)
    return {code: sum(one.get(code, 0) for one in told) for code in sorted({code for one in told for code in one})}


def zeros(of: Template, *, told: dict[str, int], most: int) -> dict[str, int]:
    """What must be 0 after a rush that wanted more than there was: coupons short of the stock or above it, members with two, answers
    without a coupon, a counter that says otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), (select count(*) from (select from coupons_coupon where template_id = %(id)s"
            " group by member_id having count(*) > 1) d), (select issued from coupons_stock where template_id = %(id)s)"
            " from coupons_coupon where template_id = %(id)s",
            {"id": of.pk},
        )
        coupons, doubles, issued = cursor.fetchone()
    return {
        "short": max(most - coupons, 0),
        "oversold": max(coupons - most, 0),
        "members_with_two": doubles,
        "answers_without_coupon": abs(told.get("done", 0) - coupons),
        "counter_off": abs(issued - coupons),
    }
