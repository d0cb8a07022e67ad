"""Pages of the back office: figures that agree, forms that keep what was typed, nothing personal in addresses."""

import csv
import io
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.analytics import rollup
from apps.care.models import Policy, Touch
from apps.console import dashboard
from apps.console.templatetags.pages import half_hidden
from apps.core import csv_files, ids, jobs
from apps.core.models import AuditEntry, Job
from apps.orders import services as orders
from apps.orders.models import Order, Refund
from apps.points import defaults
from apps.stores.models import Role, Staff
from tests.console import world
from tests.console.world import House
from tests.workbooks_made import DAY, workbook

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
DRAFT = {
    "name": "召回", "trigger": "stage_entered", "stage": "lapsing", "window_days": "14", "channel": "sms",
    "purpose": "care", "template": "{{ nickname }}，好久不见。", "send_hour": "10", "holdout_percent": "12.5",
    "return_days": "30", "priority": "5", "missing_nickname": "会员",
}  # fmt: skip


@pytest.fixture
def house(clock, db) -> House:
    clock(NOON)
    made = world.build(NOON)
    rollup.roll_up(moment=NOON, days=60)
    return made


def test_everybody_lands_on_the_first_page_they_may_open(at):
    assert at(Role.MARKETER).get("/")["Location"] == reverse("console:dashboard")
    assert at(Role.CLERK).get("/")["Location"] == reverse("console:followups")


def test_the_dashboards_figures_equal_their_tables_files_and_rows(house: House, at):
    client = at()
    body = client.get(reverse("console:dashboard")).content.decode()
    sheet = client.get(reverse("console:dashboard_csv", args=["entering"])).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(sheet)))
    listed = client.get(reverse("console:moves"), {"after": "lapsing", "first": "2026-11-20", "last": "2026-11-20"})

    view = dashboard.View(moment=NOON, days=7, store_ids=None)
    assert [row[1] for row in rows[1:]] == ["0", "0", "0", "0", "3", "0", "0"]
    assert sum(day.value or 0 for day in dashboard.entering(view).days) == 3
    assert len(listed.context["rows"]) == 3
    assert 'id="flow"' in body
    assert [part.value for part in dashboard.messages(view).parts] == [0, 0, 0, 0, 3]


def test_the_dashboard_asks_the_same_number_of_questions_whatever_is_in_it(
    house: House, at, django_assert_max_num_queries
):
    client = at()
    client.get(reverse("console:dashboard"))
    with django_assert_max_num_queries(30):
        client.get(reverse("console:dashboard"))


def test_a_store_outside_the_reach_counts_as_not_chosen(house: House, at):
    manager = at(Role.MANAGER).get(reverse("console:dashboard"), {"store": house.stores["far"].pk})

    assert manager.status_code == 200
    assert house.stores["far"].name not in manager.content.decode()


def test_cells_that_a_spreadsheet_would_run_are_made_harmless():
    assert [csv_files.cell(text) for text in ("=1+1", "+A1", "-2", "−3.5%", "@x", "\tx", "文本", None)] == [
        "'=1+1", "'+A1", "-2", "−3.5%", "'@x", "'\tx", "文本", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("林若溪", "林*溪"),
        ("沈悦", "沈*"),
        ("欧阳思远", "欧阳*远"),
        ("Chen Li", "Chen*"),
        ("安", "安"),
        ("林*溪", "林*溪"),
        ("", ""),
    ],
)
def test_names_are_half_hidden(name: str, shown: str):
    assert half_hidden(name) == shown


def test_searching_is_a_post_and_one_hit_opens_at_once(house: House, at):
    client = at()
    found = client.post(reverse("console:members"), {"q": "0003"})
    assert found["Location"] == reverse("console:member", args=[house.member_id("far")])

    several = client.post(reverse("console:members"), {"q": "沈"})
    assert [row["member_no"] for row in several.context["rows"]] == ["NO-mine", "NO-near", "NO-far"]
    assert "19900000001" not in several.content.decode()


def test_orders_are_found_by_number_in_the_palette(house: House, at):
    body = at(Role.AGENT).post(reverse("console:find"), {"q": "ORDER-near"}).content.decode()

    assert house.order_id("near") in body


def test_filters_that_leave_nothing_say_so_and_offer_a_way_back(at):
    body = at().get(reverse("console:members"), {"stage": "lost"}).content.decode()

    assert "art-filter" in body
    assert f'href="{reverse("console:members")}"' in body


def test_odd_addresses_are_answered_calmly(at):
    client = at()
    for path in ("console:members", "console:orders", "console:messages", "console:moves", "console:audit"):
        for query in (
            "?at=%00",
            "?at=W10",
            "?store=99999999999999999999",
            "?first=2026-13-40&last=x",
            "?tag=%00&number=%00",
        ):
            assert client.get(reverse(path) + query).status_code == 200
    for path in ("console:member", "console:order"):
        assert client.get(reverse(path, args=["mem_0000000000000"])).status_code == 404


def test_the_address_of_a_form_opened_by_hand_has_words_and_says_what_it_takes(at):
    answer = at().get(reverse("console:find"), headers={"accept": "text/html", "accept-language": "zh"})

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "这个地址只接收表单" in answer.content.decode()


def test_a_form_with_a_text_that_no_text_can_hold_is_refused_before_anything_happens(house: House, at):
    client, address = at(), reverse("console:member_unmask", args=[house.member_id("mine")])

    answer = client.post(address, "reason=a%00b", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 400
    assert not AuditEntry.objects.filter(action="member.unmasked").exists()
    assert client.get(reverse("console_records:stores_staff_changelist") + "?role__exact=%00").status_code == 400


def test_a_look_at_the_phone_needs_a_reason_and_is_written_down(house: House, at):
    client, address = at(Role.AGENT), reverse("console:member_unmask", args=[house.member_id("mine")])

    refused = client.post(address, {"reason": " "})
    assert "19900000001" not in refused.content.decode()
    assert not AuditEntry.objects.filter(action="member.unmasked").exists()

    shown = client.post(address, {"reason": "call back"})
    assert "19900000001" in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    line = AuditEntry.objects.get(action="member.unmasked")
    assert (line.actor, line.after) == (f"user:{house.users[Role.AGENT].pk}", {"reason": "call back"})


def test_a_refund_is_previewed_then_done_once_however_often_it_is_sent(house: House, at):
    client, address = at(Role.MANAGER), reverse("console:order_refund", args=[house.order_id("mine")])
    asked = {"what": "amount", "amount": "25.00", "request_key": "abcdefgh12345678"}

    preview = client.post(address, asked)
    assert (preview.context["preview"].amount_cents, preview.context["preview"].left_cents) == (2500, 7500)
    assert not Refund.objects.exists()

    for _ in range(2):
        assert client.post(address, asked | {"confirm": "1"}).status_code == 302
    assert list(Refund.objects.values_list("amount_cents", "source")) == [(2500, "console:abcdefgh12345678")]


def test_an_order_is_marked_paid_once_by_whom_it_may_and_its_page_says_what_it_brought(house: House, at, run_flows):
    order = orders.record(source="pos", order_no="T-1", member_id=house.members["mine"].pk, lines=[], total_cents=9_900,
                          store_id=house.stores["mine"].pk)  # fmt: skip
    page, pay = (reverse(f"console:{name}", args=[ids.encode("ord", order.pk)]) for name in ("order", "order_pay"))
    assert at(Role.CLERK).post(pay).status_code == 403
    order.refresh_from_db()
    assert order.status == "recorded"
    assert "付款后才有积分" in at(Role.CLERK).get(page).content.decode()
    client = at(Role.MANAGER)

    for _ in range(2):
        assert client.post(pay).status_code == 302
    line = AuditEntry.objects.get(action="order.paid")
    assert (line.actor, line.after) == (f"user:{house.users[Role.MANAGER].pk}", {"total_cents": 9_900})
    assert [row.reason for row in client.get(page).context["points"].silent] == []
    defaults.install()
    assert "正在路上" in client.get(page).content.decode()
    run_flows()

    told = client.get(page).context["points"]
    assert [(row.points, row.taken_back) for row in told.brought] == [(99, 0), (99, 0)]
    assert told.silent == ()
    client.post(reverse("console:order_refund", args=[ids.encode("ord", order.pk)]),
                {"what": "whole", "request_key": "abcdefgh12345678", "confirm": "1"})  # fmt: skip
    run_flows()
    assert [row.stays for row in client.get(page).context["points"].brought] == [0, 0]
    assert AuditEntry.objects.filter(action="order.refunded").count() == 1


def test_too_large_a_refund_is_refused_with_the_limit_and_keeps_the_input(house: House, at):
    address = reverse("console:order_refund", args=[house.order_id("mine")])
    answer = at(Role.MANAGER).post(address, {"what": "amount", "amount": "100.01", "request_key": "abcdefgh12345678"})

    assert answer.status_code == 422
    assert "¥100.00" in answer.content.decode()
    assert 'value="100.01"' in answer.content.decode()
    assert not Refund.objects.exists()


def test_a_policy_goes_from_form_to_draft_to_published_version(at):
    client = at(Role.MARKETER)
    made = client.post(reverse("console:policy_new"), DRAFT)
    policy = Policy.objects.get(name="召回")
    assert made["Location"] == reverse("console:policy", args=[policy.key])
    assert policy.draft["audience"] == {}
    rule = {
        "all": [
            {"field": "stage", "op": "in", "value": ["lapsing"]},
            {"not": {"field": "orders", "op": "lte", "value": 1}},
        ]
    }
    address = reverse("console:policy_audience", args=[policy.key])
    tried = client.post(address, {"rule": json.dumps(rule)})
    assert tried.context["about"] is not None, "looked at, and not kept"
    policy.refresh_from_db()
    assert policy.draft["audience"] == {}
    assert client.post(address, {"rule": json.dumps(rule), "keep": "1"}).status_code == 302
    client.post(reverse("console:policy_save", args=[policy.key]), DRAFT)
    policy.refresh_from_db()
    assert policy.draft["audience"] == rule, "saving the other fields leaves it alone"

    client.post(reverse("console:policy_publish", args=[policy.key]))

    policy.refresh_from_db()
    version = policy.versions.get()
    assert (policy.status, policy.version, float(version.holdout_percent)) == ("live", 1, 12.5)
    assert version.missing == {"nickname": {"policy": "default", "value": "会员"}}
    assert client.get(reverse("console:policy", args=[policy.key])).status_code == 200


def test_an_unknown_variable_is_shown_at_the_text_and_the_draft_is_kept(house: House, at):
    client = at(Role.MARKETER)
    answer = client.post(reverse("console:policy_save", args=["lapsing"]), DRAFT | {"template": "{{ password }} x"})

    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"template"}
    assert Policy.objects.get(key="lapsing").draft["template"] == "{{ password }} x"
    assert client.post(reverse("console:policy_publish", args=["lapsing"])).status_code == 422
    assert Policy.objects.get(key="lapsing").version == 1


def test_a_dry_run_leaves_no_trace(house: House, at):
    before = (Touch.objects.count(), Policy.objects.get(key="lapsing").version)
    answer = at(Role.MARKETER).post(reverse("console:policy_dry_run", args=["lapsing"]))

    assert answer.status_code == 200
    assert (Touch.objects.count(), Policy.objects.get(key="lapsing").version) == before


def test_an_uploaded_file_is_kept_for_the_owner_alone_and_becomes_a_job(house: House, at):
    file = SimpleUploadedFile("orders.csv", b"order_no,member_no,paid_at,total\n")
    answer = at().post(reverse("console:imports"), {"file": file, "mode": "dry"})

    job = Job.objects.latest("id")
    path = Path(job.params["path"])
    assert answer["Location"].endswith(f"/{ids.encode('job', job.pk)}/")
    assert (job.params["file_name"], job.params["dry_run"], job.params["is_live"]) == ("orders.csv", True, False)
    assert path.parent == Path(settings.MEDIA_ROOT) / "imports"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_workbook_is_taken_in_on_the_pages_as_well(house: House, at):
    rows = [
        ["order_no", "member_no", "paid_at", "total"],
        [2026112201, "M1", (datetime(2026, 11, 20, tzinfo=UTC).date(), DAY), 12.5],
    ]
    before = Order.objects.count()
    at().post(reverse("console:imports"), {"file": SimpleUploadedFile("orders.xlsx", workbook(rows)), "mode": "real"})

    job = Job.objects.latest("id")
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.result["orders_added"], job.result["rejected"]) == (Job.State.DONE, 1, 0)
    assert (Order.objects.count(), Order.objects.latest("id").order_no) == (before + 1, "2026112201")


def test_rejected_rows_are_for_who_uploaded_them_and_for_administrators(house: House, at):
    job = Job.objects.create(
        kind="orders.import", state="done", created_by=house.users[Role.ADMIN], result_file="r.csv"
    )
    jobs.result_path("r.csv").write_text("line,reason\n")
    address = reverse("console:import_rejects", args=[ids.encode("job", job.pk)])

    assert at(Role.ADMIN).get(address).status_code == 200
    assert at(Role.ANALYST).get(address).status_code == 404


def test_parked_facts_are_sent_again_from_the_job_console(house: House, at):
    at().post(reverse("console:facts_retry"), {"event": house.event.pk})

    house.event.refresh_from_db()
    assert (house.event.parked_at, house.event.attempts) == (None, 0)


def test_a_new_staff_member_gets_a_log_in_and_the_audit_trail_knows_who_made_it(house: House, at):
    fields = {"code": "N-1", "name": "新人", "role": "clerk", "store": house.stores["mine"].pk, "is_active": "on"}
    answer = at().post(
        reverse("console_records:stores_staff_add"),
        fields | {"login_name": "new-clerk", "new_password": "a-long-one-2026"},
    )

    assert answer.status_code == 302
    card = Staff.objects.get(code="N-1")
    assert card.user.check_password("a-long-one-2026")
    line = AuditEntry.objects.filter(action="stores_staff.insert").latest("id")
    assert line.actor == f"user:{house.users[Role.ADMIN].pk}"


def test_only_the_record_site_may_run_unfolds_scripts(at):
    client = at()
    record, page = client.get(reverse("console_records:index")), client.get(reverse("console:members"))

    assert "'unsafe-eval'" in record["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
