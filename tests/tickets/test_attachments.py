"""Pictures of tickets: the scanner's word counts, the limits hold, they go with the member and come along in their copy."""

import sys

import pytest
from django.core.files.storage import storages
from django.db import IntegrityError, transaction

from apps.core.errors import NotFound, ValidationFailed
from apps.core.files.errors import FileInfected, PictureRefused, ScannerSilent
from apps.flows import erasure, export
from apps.members import states, uploads
from apps.members.models import Upload
from apps.tickets import attachments, member_view
from apps.tickets.models import Attachment, Message, Ticket
from tests.pictures_made import drawn
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, opened, say

pytestmark = pytest.mark.django_db


def taken(desk: of.Desk, number: int = 1) -> int:
    content = drawn(colour=f"#{number:06x}", size=(16, 16))
    return uploads.take(member_id=desk.member, content=content, purpose=attachments.PURPOSE).id


def said(desk: of.Desk, ticket: Ticket, keys: list[int], number: int = 1) -> Message:
    return attachments.say(ticket_id=ticket.pk, by=MEMBER, text="看图", source=f"say:{number}", upload_ids=keys)


def test_a_scanner_that_finds_something_fails_or_is_silent_keeps_nothing(settings):
    desk = of.build()
    for code, refusal in (
        ("sys.exit(1)", FileInfected),
        ("sys.exit(2)", ScannerSilent),
        ("time.sleep(5)", ScannerSilent),
    ):
        settings.UPLOAD_SCANNER = [sys.executable, "-S", "-c", f"import sys, time; {code}"]
        settings.UPLOAD_SCANNER_SECONDS = 0.2
        with pytest.raises(refusal):
            taken(desk)
    settings.UPLOAD_SCANNER = ["/nowhere/scanner"]
    with pytest.raises(ScannerSilent):
        taken(desk)
    assert not Upload.objects.exists()
    settings.UPLOAD_SCANNER_SECONDS = 20
    settings.UPLOAD_SCANNER = [
        sys.executable,
        "-S",
        "-c",
        "import sys; sys.exit(not sys.stdin.buffer.read(4) == b'\\xff\\xd8\\xff\\xe0')",
    ]
    assert taken(desk)  # what was sent, not what we draw of it, is looked at


def test_limits_owners_and_purposes_hold_and_a_refusal_says_nothing(monkeypatch):
    desk = of.build()
    ticket, elsewhere = opened(desk), opened(desk, "question", lines=0, number=2)
    with pytest.raises(ValidationFailed):
        said(desk, ticket, list(range(1, 11)))
    face = uploads.take(member_id=desk.member, content=drawn(size=(8, 8)), purpose=Upload.Purpose.AVATAR).id
    for wrong in ([face], [face + 99]):
        with pytest.raises(ValidationFailed):
            said(desk, ticket, wrong)
    assert (Message.objects.count(), Attachment.objects.count()) == (2, 0)
    key = taken(desk)
    message = said(desk, ticket, [key, key])
    said(desk, ticket, [key])  # the same words again
    monkeypatch.setattr(attachments, "MOST_OF_TICKET", 1)
    with pytest.raises(ValidationFailed):
        said(desk, ticket, [taken(desk, 2)], 2)
    assert Attachment.objects.get().message_id == message.pk
    with pytest.raises(IntegrityError, match="tickets_picture_once"), transaction.atomic():
        Attachment.objects.create(message=message, upload_id=key)
    assert attachments.content(ticket_id=ticket.pk, upload_id=key).startswith(b"\xff\xd8\xff")
    with pytest.raises(NotFound):
        attachments.content(ticket_id=elsewhere.pk, upload_id=key)
    with pytest.raises(NotFound):
        attachments.content_for(member_id=desk.member + 1, upload_id=key)


def test_what_staff_chose_is_the_members_once_it_was_said_and_a_member_sends_no_documents():
    desk = of.build()
    ticket = opened(desk)
    paper = b"%PDF-1.7\n1 0 obj\n<< /Type /Page >>\nendobj\ntrailer\n<< >>\nstartxref\n0\n%%EOF\n"
    with pytest.raises(PictureRefused):
        uploads.take(member_id=desk.member, content=paper, purpose=attachments.PURPOSE)
    key = uploads.take(member_id=desk.member, content=paper, purpose=attachments.OF_STAFF).id
    for look in (lambda: uploads.one(member_id=desk.member, upload_id=key), lambda: said(desk, ticket, [key])):
        with pytest.raises((NotFound, ValidationFailed)):
            look()
    assert dict(uploads.contents(desk.member)) == {}
    say(ticket, desk.agent, is_internal=True)
    with pytest.raises(ValidationFailed):  # the member's copy would have it without the words
        attachments.attach(Message.objects.latest("pk"), [key])
    attachments.say(ticket_id=ticket.pk, by=desk.agent, text="发票", source="paper", upload_ids=[key])
    assert [name.rpartition(".")[2] for name, _content in uploads.contents(desk.member)] == ["pdf"]
    assert [step.documents for step in member_view.course(ticket)] == [[key], []]
    assert attachments.content_for(member_id=desk.member, upload_id=key) == paper


def test_they_come_along_in_the_copy_and_go_with_the_member():
    desk = of.build()
    key = taken(desk)
    said(desk, opened(desk), [key])
    tables = {section.model._meta.label: section.rows for section in export.collect(desk.member)}
    name = uploads.file_name(Upload.objects.get())
    assert tables["tickets.Attachment"][0]["file"] == f"files/{name}"
    assert name in dict(uploads.contents(desk.member))
    row = Upload.objects.get()
    assert storages["uploads"].exists(f"uploads/{row.key[:2]}/{row.key}")
    states.cancel(member_id=desk.member)
    assert erasure.erase(member_id=desk.member)
    assert (Attachment.objects.count(), Upload.objects.count()) == (0, 0)
    assert not storages["uploads"].exists(f"uploads/{row.key[:2]}/{row.key}")
