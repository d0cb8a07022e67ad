"""A new brand's first steps: in any order, skipped and taken up again, files whole or not at all, on the dashboard until done."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.care.models import Journey
from apps.core.models import AuditEntry, User
from apps.points import ladders
from apps.stores import staff
from apps.stores.models import Region, Role, Staff, Store
from tests.console import world

pytestmark = pytest.mark.django_db
PASSWORD = "langes-Wort-2026"
Do = Callable[..., object]


@pytest.fixture
def admin() -> Client:
    """Who opened the shop a moment ago: an account, tiers, nothing else."""
    ladders.install_defaults()
    card = staff.add(login="boss", password=PASSWORD, role=Role.ADMIN, name="")
    client = Client()
    world.enter(client, card.user)  # type: ignore[arg-type]
    return client


def do(client: Client, step: str, what: str, **said: object) -> int:
    return client.post(reverse("console:first_step", args=[step]), {"do": what, **said}).status_code


def states(client: Client) -> dict[str, str]:
    return {step.key: step.state for step in client.get(reverse("console:first_steps")).context["steps"]}


def on_dashboard(client: Client) -> list[str]:
    return [step.key for step in client.get(reverse("console:dashboard")).context["first_steps"]]


def file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.csv", text.encode("gb18030"))


def test_a_brand_is_set_up_step_by_step_and_then_the_dashboard_asks_no_more(admin: Client) -> None:
    assert states(admin) == {"stores": "", "staff": "", "tiers": "", "journey": ""}
    assert on_dashboard(admin) == ["stores", "staff", "tiers", "journey"]
    assert do(admin, "stores", "add", code="S1", name="一店", region="华东") == 302
    assert admin.get(reverse("console:first_steps")).context["at"] == "staff"
    assert do(admin, "staff", "add", number="M1", name="陆店长", role="manager", store="S1", password=PASSWORD) == 302
    assert do(admin, "tiers", "fits") == 302
    admin.post(reverse("console:ready_journey_take", args=["welcome"]))

    assert Journey.objects.exists()
    assert states(admin) == {"stores": "done", "staff": "done", "tiers": "seen", "journey": "done"}
    assert on_dashboard(admin) == []
    manager = Staff.objects.get(code="M1")
    assert (manager.role, manager.store, manager.user.username) == ("manager", Store.objects.get(), "M1")  # type: ignore[union-attr]
    assert Region.objects.get().stores.get().code == "S1"
    assert AuditEntry.objects.get(action="stores_store.insert").actor == f"user:{User.objects.get(username='boss').pk}"


def test_a_step_may_be_skipped_and_taken_up_again(admin: Client) -> None:
    for step in ("stores", "staff", "tiers", "journey"):
        assert do(admin, step, "skip") == 302
    assert set(states(admin).values()) == {"skipped"}
    assert on_dashboard(admin) == []
    do(admin, "staff", "again")
    assert states(admin)["staff"] == ""
    assert on_dashboard(admin) == ["stores", "staff", "tiers", "journey"]
    assert do(admin, "nothing", "skip") == 404
    assert do(admin, "tiers", "add") == 404


def test_files_count_whole_or_not_at_all_and_may_come_again(admin: Client) -> None:
    stores = "code,name,region\nS1,一店,华东\nS2,二店,\n"
    for wrong in ("S1,又一店,\n", ",无号,\n"):
        assert do(admin, "stores", "file", file=file(stores + wrong)) == 422
    assert not Store.objects.exists()
    assert not Region.objects.exists()
    for _time in range(2):
        assert do(admin, "stores", "file", file=file(stores)) == 302
    assert sorted(Store.objects.values_list("code", "name")) == [("S1", "一店"), ("S2", "二店")]

    people = "number,name,role,store\nC1,何青,店员,S1\nC2,沈溪,manager,S2\n"
    bad = people + "C3,甲,boss,S1\nC4,乙,clerk,S9\nC5,丙,clerk,\nC1,丁,clerk,S1\n"
    page = admin.post(reverse("console:first_step", args=["staff"]), {"do": "file", "file": file(bad)})
    assert page.status_code == 422
    assert sorted(number for number, _why in page.context["faults"]) == [4, 5, 6, 7]
    assert Staff.objects.count() == 1
    for _time in range(2):
        assert do(admin, "staff", "file", file=file(people)) == 302
    cards = list(Staff.objects.exclude(code="boss").order_by("code").values_list("code", "role", "store__code", "user"))
    assert cards == [("C1", "clerk", "S1", None), ("C2", "manager", "S2", None)]
    assert do(admin, "staff", "file", file=file("number,name,role,store\nC1,别人,clerk,S1\n")) == 422


def test_what_is_wrong_is_said_and_nothing_is_written(admin: Client) -> None:
    assert do(admin, "stores", "add", code="", name="一店") == 422
    do(admin, "stores", "add", code="S1", name="一店")
    assert do(admin, "stores", "add", code="S1", name="别的店") == 422
    assert do(admin, "staff", "add", number="M1", name="陆", role="manager", store="S1", password="short") == 422
    assert do(admin, "staff", "add", number="boss", name="陆", role="manager", store="S1", password=PASSWORD) == 422
    assert do(admin, "staff", "add", number="M1", name="陆", role="clerk", store="") == 422
    assert do(admin, "staff", "add", number="M1", name="陆", role="nobody", store="S1") == 422
    assert (Store.objects.count(), Staff.objects.count()) == (1, 1)


def test_only_who_runs_the_house_sets_it_up(admin: Client) -> None:
    card = staff.add(login="mark", password=PASSWORD, role=Role.MARKETER, name="")
    client = Client()
    world.enter(client, card.user)  # type: ignore[arg-type]
    assert client.get(reverse("console:first_steps")).status_code == 403
    assert do(client, "stores", "skip") == 403
    assert on_dashboard(client) == []
