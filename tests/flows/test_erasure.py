"""T-P4: after an erasure nothing names the person any more but for the declared list; sums stay; a backup is erased again."""

import base64
import io
import json
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.care import claims
from apps.care.models import Touch
from apps.core import audit, ciphers, holdings, idempotency, ids, jobs, logs, requests, tokens
from apps.core import clock as house_clock
from apps.core.models import AuditEntry, IdempotencyKey, Job, User
from apps.core.ratelimits import Mark
from apps.events.models import Event
from apps.flows import erasure, privacy, tasks
from apps.flows.errors import MemberErased
from apps.flows.models import PrivacyRequest
from apps.members import identities, selectors, states
from apps.members import services as members
from apps.members.models import Identity, Member, MemberKey
from apps.orders.models import Order
from apps.stores.models import Role, Staff
from tests.flows.rows import Rows

PHONE, NICKNAME, WORD = "17000000021", "灯塔看守人", "leuchtturm"
SAID = "she moved to the harbour"  # what a clerk wrote when un-masking
NOON = house_clock.day_start(house_clock.local_date(house_clock.now())) + timedelta(hours=12)
THERE_ALREADY = {"members.Member", "members.MemberKey", "members.Identity", "segments.Newcomer", "core.User"}
LATER = {"flows.Erased"}


@pytest.fixture
def member(db: None) -> Member:
    """With a row in every table that can hold something of them, a session, and an audit line."""
    member_id = members.register(source="portal", nickname=NICKNAME, phone=PHONE, birthday=NOON.date())
    Member.objects.filter(pk=member_id).update(
        user=User.objects.create_user("member-21"), tags=[f"{WORD}-tag"], attributes={"size": f"{WORD}-size"}
    )
    found = Member.objects.get(pk=member_id)
    rows = Rows(found, WORD)
    for held in holdings.holdings():
        if held.model not in THERE_ALREADY | LATER:
            rows.add(held)
    audit.record("member.unmasked", object_type="member", object_id=member_id, after={"reason": SAID})
    with requests.acting(actor=f"user:{found.user_id}", address="192.0.2.77"):
        audit.record("session.opened")
    return found


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logs.configure()
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def gone(member: Member) -> None:
    """The whole way: asked for, waited for, done."""
    asked = privacy.request_erasure(member_id=member.pk)
    with house_clock.frozen(asked.effective_at):
        assert erasure.run_due() == {"erased": 1, "failed": 0}
    member.refresh_from_db()


def spellings(*words: str) -> list[bytes]:
    plain = [word.encode() for word in words]
    return (
        plain + [text.hex().encode() for text in plain] + [base64.b64encode(text).rstrip(b"=")[:-1] for text in plain]
    )


def tables_with(*words: str) -> set[str]:
    """Tables in whose dump a word stands, in UTF-8, hex or base64; JSON escapes too."""
    wanted = spellings(*words) + [json.dumps(word).strip('"').encode() for word in words]
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            with cursor.copy(f'copy "{table}" to stdout') as rows:  # type: ignore[attr-defined]
                content = b"".join(bytes(block) for block in rows)
            if any(word in content for word in wanted):
                found.add(table)
    return found


def kept_tables() -> set[str]:
    return {holdings.model_of(held.model)._meta.db_table for held in holdings.holdings() if held.on_erase == "keep"}


def valkey_content() -> bytes:
    content = b""
    for name in ("REDIS_URL", "CHANNELS_REDIS_URL", "CELERY_BROKER_URL"):
        url = os.environ[name].replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
        with redis.Redis.from_url(url) as client:
            content += b"".join(key + (client.dump(key) or b"") for key in client.keys("*"))
    return content


def test_the_scan_would_find_what_is_there(member: Member):
    assert "members_member" in tables_with(NICKNAME)
    assert "core_auditentry" in tables_with(SAID)
    assert len(tables_with(WORD)) > 10


def test_nothing_names_the_person_any_more(member: Member, log_text: io.StringIO):
    file = settings.MEDIA_ROOT / "jobs" / "import-9-rejected.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"line,reason,text\n7,amount,O-1;M-1;{PHONE}\n")
    bystander = file.with_name("import-8-rejected.csv")
    bystander.write_text("line,reason,text\n7,amount,O-1;M-1;17000000099\n")
    job_id = privacy.request_export(member_id=member.pk)
    jobs.run(job_id=job_id)
    assert PrivacyRequest.objects.get(job_id=job_id).sealed is not None
    number = member.member_no

    gone(member)

    assert tables_with(PHONE, NICKNAME, number, SAID, "192.0.2.77") == set()
    assert tables_with(WORD) - kept_tables() == set()
    assert not MemberKey.objects.filter(member_id=member.pk).exists()
    assert not Identity.objects.filter(member_id=member.pk).exists()
    assert not User.objects.filter(username="member-21").exists()
    assert selectors.find_by_phone(PHONE) is None
    assert (member.status, member.nickname, member.birth_year, member.tags, member.attributes) == (
        "erased", "", None, [], {},
    )  # fmt: skip
    assert member.member_no == f"erased-{member.pk}"
    assert not file.exists()
    assert bystander.exists()
    everything = log_text.getvalue().encode() + settings.ERASURES_FILE.read_bytes() + valkey_content()
    assert [word for word in spellings(PHONE, NICKNAME, WORD, SAID) if word in everything] == []


def test_declared_columns_of_kept_rows_are_empty(member: Member):
    before = {held.model: list(held.rows(member.pk).values_list("pk", flat=True)) for held in holdings.holdings()}

    gone(member)

    for held in holdings.holdings():
        rows = holdings.model_of(held.model)._default_manager.filter(pk__in=before[held.model])
        if held.on_erase == "delete":
            assert list(rows) == [], held.model
        else:
            assert rows.count() == len(before[held.model]), held.model
            for row in rows:
                left = {name: value for name in held.blank if (value := getattr(row, name))}
                assert left == {}, held.model


def test_a_sealed_value_from_an_old_backup_opens_with_no_key_that_is_left(member: Member):
    sealed = bytes(Identity.objects.get(member=member, kind="phone").sealed)
    members.register(source="portal", phone="17000000022")
    context = identities.context("phone")
    assert ciphers.decrypt(person_key=identities.person_key(member.pk), blob=sealed, context=context) == f"+86{PHONE}"

    gone(member)

    keys = [ciphers.unwrap(bytes(wrapped)) for wrapped in MemberKey.objects.values_list("wrapped", flat=True)]
    assert len(keys) == 1
    for key in [*keys, *settings.FIELD_KEYS.values()]:
        with pytest.raises(ciphers.BadCipher):
            ciphers.decrypt(person_key=key, blob=sealed, context=context)


def test_sums_of_orders_stay(member: Member):
    before = Order.objects.filter(member=member).values_list("pk", "total_cents", "refunded_cents", "paid_at")
    expected = list(before)

    gone(member)

    assert expected
    assert list(before.all()) == expected


def test_the_other_members_keep_everything(member: Member):
    other_id = members.register(source="portal", nickname="周舟", phone="17000000022")
    audit.record("member.unmasked", object_type="member", object_id=other_id, after={"reason": "call back"})

    gone(member)

    assert selectors.find_by_phone("17000000022") == other_id
    assert Member.objects.get(pk=other_id).nickname == "周舟"
    assert AuditEntry.objects.get(object_id=str(other_id)).after == {"reason": "call back"}


def test_every_session_and_token_ends(member: Member):
    pair = tokens.open_family(user_id=member.user_id, client="portal")
    mine, theirs = SessionStore(), SessionStore()
    mine["_auth_user_id"], theirs["_auth_user_id"] = str(member.user_id), "999999"
    for session in (mine, theirs):
        session.set_expiry(timedelta(days=30))
        session.create()

    gone(member)

    assert tokens.find(pair.access) is None
    assert list(Session.objects.values_list("session_key", flat=True)) == [theirs.session_key]


def test_no_message_goes_out_any_more(member: Member):
    touch = Touch.objects.get(member=member)
    Touch.objects.filter(pk=touch.pk).update(
        state="planned", channel="inbox", settled_at=None, send_at=NOON, slot_on=NOON.date(), decided_at=NOON
    )
    touch.version.policy.__class__.objects.update(status="live")
    gone(member)

    taken, skipped = claims.Desk("inbox").take(limit=10, moment=NOON, brand="")

    assert (taken, skipped) == ([], 1)
    touch.refresh_from_db()
    assert (touch.state, touch.reason) == ("skipped", "not_active")


def test_answers_kept_for_programs_go_where_they_name_the_member(member: Member):
    other = members.register(source="portal", phone="17000000022")
    bodies = {
        "id": json.dumps({"data": [{"id": ids.encode("mem", member.pk)}]}),
        "name": json.dumps({"nickname": NICKNAME}, ensure_ascii=False),
        "phone": f"+86{PHONE}",
        "another": json.dumps({"data": [{"id": ids.encode("mem", other)}]}),
    }
    for key, body in bodies.items():
        claim = idempotency.Claim(actor="client:1", route="POST /api/v1/members", key=key)
        idempotency.once(claim, mark=Mark.FRESH, act=lambda body=body: idempotency.Answer(200, body.encode()))

    gone(member)

    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["another"]


def test_staff_see_that_the_member_was_erased(member: Member):
    user = User.objects.create_user("boss")
    Staff.objects.create(user=user, code="B1", name="何青", role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    gone(member)
    public_id = ids.encode("mem", member.pk)

    page = client.get(reverse("console:member", args=[public_id]))
    answers = [
        client.get(reverse(name)) for name in ("console:members", "console:orders", "console:messages", "console:audit")
    ]
    found = client.post(reverse("console:members"), {"q": member.member_no}, follow=True)
    unmask = client.post(reverse("console:member_unmask", args=[public_id]), {"reason": "call back"})

    assert page.status_code == found.status_code == 200
    assert str(Member.Status.ERASED.label) in page.content.decode()
    assert {answer.status_code for answer in answers} == {200}
    assert unmask.status_code < 500
    assert PHONE not in unmask.content.decode()


def test_within_the_cool_off_nothing_is_erased_and_the_wish_can_be_taken_back(member: Member, clock, run_flows):
    clock(NOON)
    asked = privacy.request_erasure(member_id=member.pk)
    assert asked.effective_at == NOON + timedelta(days=7)
    assert privacy.request_erasure(member_id=member.pk) == asked
    clock(asked.effective_at - timedelta(seconds=1))

    assert erasure.run_due() == {"erased": 0, "failed": 0}
    states.come_back(member_id=member.pk)
    run_flows()

    clock(asked.effective_at + timedelta(days=30))
    assert erasure.run_due() == {"erased": 0, "failed": 0}
    member.refresh_from_db()
    assert (member.status, member.nickname) == ("active", NICKNAME)
    assert PrivacyRequest.objects.get(kind="erasure").state == "cancelled"


def test_who_came_back_by_logging_in_and_leaves_again_waits_the_whole_time(member: Member, clock, run_flows):
    clock(NOON)
    privacy.request_erasure(member_id=member.pk)
    clock(NOON + timedelta(days=6))
    states.come_back(member_id=member.pk)
    clock(NOON + timedelta(days=6, hours=1))

    asked = privacy.request_erasure(member_id=member.pk)

    assert asked.effective_at == NOON + timedelta(days=13, hours=1)
    assert sorted(PrivacyRequest.objects.filter(kind="erasure").values_list("state", flat=True)) == [
        "cancelled",
        "cooling",
    ]
    states.come_back(member_id=member.pk)
    run_flows()
    assert set(PrivacyRequest.objects.filter(kind="erasure").values_list("state", flat=True)) == {"cancelled"}


def test_a_member_who_left_through_another_door_is_erased_too(member: Member):
    until = states.cancel(member_id=member.pk)

    with house_clock.frozen(until):
        tasks.privacy()

    member.refresh_from_db()
    assert member.status == "erased"


def test_an_erased_member_asks_for_nothing_any_more(member: Member):
    gone(member)

    for ask in (privacy.request_export, privacy.request_erasure):
        with pytest.raises(MemberErased):
            ask(member_id=member.pk)
    assert not MemberKey.objects.filter(member_id=member.pk).exists()


def test_a_copy_that_is_being_made_meanwhile_is_not_stored(member: Member):
    job_id = privacy.request_export(member_id=member.pk)
    gone(member)

    jobs.run(job_id=job_id)

    assert Job.objects.get(pk=job_id).state == Job.State.DONE
    assert PrivacyRequest.objects.get(job_id=job_id).sealed is None
    assert not MemberKey.objects.filter(member_id=member.pk).exists()


def test_the_rest_of_the_house_hears_of_it_once(member: Member):
    gone(member)

    event = Event.objects.get(name="member.erased")
    assert (event.key, event.payload) == (f"member.erased:{member.pk}", {"member_id": member.pk})
    assert erasure.erase(member_id=member.pk) is False
    assert Event.objects.filter(name="member.erased").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_failure_in_the_middle_leaves_everything_for_the_next_run(owner_cursor, member: Member):
    asked = privacy.request_erasure(member_id=member.pk)
    refuse = "create function refuse() returns trigger language plpgsql as $$ begin raise 'full'; end $$;"
    owner_cursor.execute(refuse)
    owner_cursor.execute(
        "create trigger refuse before delete on members_memberkey for each row execute function refuse()"
    )
    with house_clock.frozen(asked.effective_at):
        assert erasure.run_due() == {"erased": 0, "failed": 1}
        member.refresh_from_db()
        assert (member.status, member.nickname) == ("cancelled", NICKNAME)
        owner_cursor.execute("drop trigger refuse on members_memberkey; drop function refuse()")
        assert erasure.run_due() == {"erased": 1, "failed": 0}


# --- backups


@pytest.fixture
def erasures_file(tmp_path: Path) -> Iterator[Path]:
    earlier, settings.ERASURES_FILE = settings.ERASURES_FILE, tmp_path / "safe" / "erasures.jsonl"
    yield settings.ERASURES_FILE
    settings.ERASURES_FILE = earlier


def test_the_list_outside_the_database_names_the_erased_by_id_and_moments(member: Member, erasures_file: Path):
    gone(member)

    row = json.loads(erasures_file.read_text())
    assert (row["member_id"], row["joined_at"]) == (member.pk, member.joined_at.isoformat())
    assert sorted(row) == ["at", "joined_at", "member_id"]
    assert oct(erasures_file.stat().st_mode)[-3:] == "600"


def test_a_restored_backup_is_erased_again(member: Member, erasures_file: Path):
    """The database is as it was before; only the list outside has been kept."""
    erasures_file.parent.mkdir()
    line = {"member_id": member.pk, "joined_at": member.joined_at.isoformat(), "at": NOON.isoformat()}
    erasures_file.write_text(json.dumps(line) + '\n{"member_id": 12, "joi')
    call_command("replay_erasures", stdout=(said := io.StringIO()))

    assert said.getvalue() == "1 members erased again\n"
    assert tables_with(PHONE, NICKNAME, SAID) == set()
    assert erasure.replay() == 0


def test_a_new_person_under_an_old_id_is_left_alone(member: Member, erasures_file: Path):
    """A restored backup counts ids anew: who joined at another moment is somebody else."""
    erasures_file.parent.mkdir()
    before = member.joined_at - timedelta(days=1)
    erasures_file.write_text(json.dumps({"member_id": member.pk, "joined_at": before.isoformat(), "at": "x"}) + "\n")

    assert erasure.replay() == 0
    member.refresh_from_db()
    assert member.status == "active"


# --- the audit trail


def test_the_audit_trail_keeps_the_act_and_loses_the_words(member: Member):
    gone(member)

    line = AuditEntry.objects.get(action="member.unmasked", object_id=str(member.pk))
    assert (line.before, line.after, line.object_type) == (None, {"erased": True}, "member")
    assert AuditEntry.objects.get(action="session.opened").address == ""


def test_nobody_may_take_words_out_of_the_trail_of_a_member_who_is_not_erased(member: Member):
    for statement in (
        "select flows_erase_audit(%s, null, array['member'], array['%s'])",
        "select set_config('siyu.erasing', 'yes', true), %s; update core_auditentry set after = '{\"erased\": true}'",
        "delete from core_auditentry where object_id = '%s'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [member.pk] * statement.count("%s"))
    assert AuditEntry.objects.get(action="member.unmasked").after == {"reason": SAID}


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_changes_anything_else_of_a_line(member: Member, owner_cursor):
    for change in ("action = 'nothing'", 'after = \'{"reason": "none"}\'', "actor = 'system'", "at = now()"):
        with pytest.raises(psycopg.Error, match="append-only"):
            owner_cursor.execute(f"select set_config('siyu.erasing', 'yes', true); update core_auditentry set {change}")
    assert AuditEntry.objects.get(action="member.unmasked").after == {"reason": SAID}
