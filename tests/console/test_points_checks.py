"""The page of ledger checks: what was looked at, what does not fit, and a new run by job."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from apps.core import jobs
from apps.core.models import Job
from apps.members.models import Member
from apps.points import checking
from apps.points import services as points
from apps.points.models import Account, Check
from apps.stores.models import Role


def test_a_run_without_contradictions_says_so(at: Callable[..., Client]):
    member = Member.objects.create(member_no="C-1")
    points.earn(member_id=member.pk, amount=10, source="order:1")
    empty = at().get(reverse("console:points_checks"))

    started = at(Role.AUDITOR).post(reverse("console:points_check_run"))
    jobs.run(job_id=Job.objects.get(kind=checking.KIND).pk)
    page = at().get(reverse("console:points_checks"))

    assert empty.context["runs"] == []
    assert at(Role.AUDITOR).get(started["Location"]).context["result_at"] == reverse("console:points_checks")
    assert (page.context["last"].faults, page.context["faults"]) == (0, [])
    assert Check.objects.get().entries == 1


def test_contradictions_stand_by_name_and_stay_readable_after_a_later_clean_run(at: Callable[..., Client]):
    member = Member.objects.create(member_no="C-1")
    points.earn(member_id=member.pk, amount=10, source="order:1")
    Account.objects.update(earned_total=17)
    bad = checking.check()
    Account.objects.update(earned_total=10)
    checking.check()

    page = at().get(reverse("console:points_checks"))
    ((fault, text),) = page.context["faults"]

    assert (fault.kind, fault.expected, fault.found, page.context["shown"].pk) == ("earned_total", 10, 17, bad.pk)
    assert str(text) in page.content.decode()
    assert at().get(reverse("console:points_checks"), {"run": "999999"}).status_code == 404


def test_a_running_check_is_joined_not_doubled(at: Callable[..., Client]):
    first = at().post(reverse("console:points_check_run"))
    again = at(Role.AUDITOR).post(reverse("console:points_check_run"))

    assert first["Location"] == again["Location"] == at().get(reverse("console:points_checks")).context["at_work"]
    assert at(Role.CLERK).get(reverse("console:points_checks")).status_code == 403
