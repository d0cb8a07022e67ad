"""The page of ledger checks in a real browser: clean on desk and phone in both languages, empty and with contradictions."""

import pytest

from apps.members.models import Member
from apps.points import checking
from apps.points import services as points
from apps.points.models import Account
from apps.stores.models import Role
from tests.e2e.test_codes import enter  # noqa: F401 - fixture
from tests.e2e.test_console import Open
from tests.e2e.visits import LOOKS, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "language"), LOOKS)
def test_the_page_is_clean_on_desk_and_phone_in_both_languages(
    enter: Open,  # noqa: F811
    width: int,
    language: str,
):
    found = enter(Role.ADMIN, width=width, language=language)
    for name, prepare in {"empty": lambda: None, "faults": _contradict}.items():
        prepare()
        found.go("/console/points/checks/")
        found.check(deep=(width == 390) == (language == "en"))
        keep(found.page, name=f"points-checks-{name}-{width}-{language}")


def _contradict() -> None:
    for number in range(3):
        member = Member.objects.create(member_no=f"C-{number}")
        points.earn(member_id=member.pk, amount=1200, source="order:1")
    checking.check()
    Account.objects.update(earned_total=1000, next_due_at=None)
    checking.check()
