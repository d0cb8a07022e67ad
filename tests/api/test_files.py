"""Files of members: upload first, then use the id; nobody else ever sees them (T-S10)."""

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from apps.core import clock as house
from apps.core import ids, jobs, ratelimits, tokens
from apps.core.errors import NotFound
from apps.core.files.errors import PictureRefused
from apps.flows import erasure, privacy
from apps.members import uploads
from apps.members.errors import UploadQuotaReached
from apps.members.models import Member, MemberKey, Upload
from tests import pictures_made as made
from tests.api.conftest import Caller
from tests.api.test_frame import is_problem
from tests.pictures_made import PLACE, drawn, photo

pytestmark = pytest.mark.django_db


class Named:
    """A file as a form sends it, under a name of the sender's."""

    def __init__(self, content: bytes, name: str = "photo.jpg", content_type: str = "image/jpeg") -> None:
        self.name, self.content_type, self._content = name, content_type, content

    def read(self) -> bytes:
        return self._content


def send(caller: Caller, content: bytes, name: str = "photo.jpg", **fields: str) -> Any:
    body = encode_multipart(BOUNDARY, {"file": Named(content, name), **fields})
    return caller.post("files", body, Content_Type=MULTIPART_CONTENT)


def stored() -> list[Path]:
    return [path for path in (Path(settings.MEDIA_ROOT) / "uploads").glob("*/*") if path.is_file()]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path):
    """Of this test alone."""
    before, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path
    yield
    settings.MEDIA_ROOT = before


def test_a_picture_is_sent_used_and_seen_by_its_owner(me: Caller, nobody: Caller):
    sent = send(me, photo(size=(1200, 900)), purpose="avatar")

    assert sent.status_code == 201
    file = sent.data
    assert file["id"].startswith("file_")
    assert (file["purpose"], file["media_type"], file["width"], file["height"]) == ("avatar", "image/jpeg", 480, 640)
    assert house.parse(file["expires_at"]) - house.now() > timedelta(hours=23, minutes=59)
    used = me.put("me", {"avatar": file["id"]}, If_Match="*")
    assert used.data["avatar"] == file["id"]
    seen = me.get(f"files/{file['id']}").data
    assert seen["expires_at"] is None
    content = nobody.http.get(seen["link"], headers={"accept": "image/*"})
    assert (content.status_code, content["Content-Type"]) == (200, "image/jpeg")
    assert len(content.content) == file["bytes"]
    assert content["X-Content-Type-Options"] == "nosniff"
    assert content["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert content["Content-Disposition"] == f'inline; filename="{file["id"]}.jpg"'
    assert content["Cache-Control"].startswith("private, max-age=")
    assert PLACE not in content.content


def test_what_lies_on_the_disk_is_sealed_with_the_members_own_key(me: Caller):
    send(me, drawn(comment=PLACE))

    [path] = stored()
    raw = path.read_bytes()
    assert b"\xff\xd8\xff" not in raw
    assert b"JFIF" not in raw
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    row = Upload.objects.get()
    assert path.name == row.key
    MemberKey.objects.all().delete()
    assert uploads.avatar(row.member_id) is None
    assert is_problem(me.get(f"files/{ids.encode('file', row.pk)}/content?opens=1.x"), 404, "not_found")


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (made.SVG, "photo.jpg", "other"),
        (made.HTML, "photo.png", "other"),
        (made.ZIP, "photo.webp", "other"),
        (b"MZ" + b"\0" * 100, "../../etc/cron.d/x.jpg", "other"),
        (made.heic(), "IMG_0001.HEIC", "heic"),
        (drawn()[:300], "photo.jpg", "damaged"),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_is_kept(me: Caller, content: bytes, name: str, found: str):
    answer = send(me, content, name)

    assert is_problem(answer, 415, "upload_type_refused")
    assert answer.data["found"] == found
    assert (Upload.objects.count(), stored()) == (0, [])


def test_too_much_is_refused_and_nothing_is_kept(me: Caller):
    header = send(me, made.png_header(50_000, 50_000))
    body = send(me, b"\xff\xd8\xff" + b"x" * settings.API_UPLOAD_MAX_BYTES)

    assert is_problem(header, 413, "upload_too_large")
    assert header.data["limit_pixels"] == 24_000_000
    assert is_problem(body, 413, "upload_too_large")
    assert body.data["limit_bytes"] == settings.API_UPLOAD_MAX_BYTES
    assert (Upload.objects.count(), stored()) == (0, [])


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a" * 250 + ".jpg", "<script>.svg", "小满.jpg", "x\0y.php"])
def test_the_name_of_a_file_means_nothing(me: Caller, name: str):
    answer = send(me, drawn(), name)

    assert answer.status_code == 201, answer.data
    [path] = stored()
    assert path.parent.parent == Path(settings.MEDIA_ROOT) / "uploads"
    assert name not in str(Upload.objects.values().get())


def test_forms_that_make_no_sense_are_refused(me: Caller):
    assert is_problem(me.post("files", {"file": "x"}), 415, "unsupported_media_type")
    assert is_problem(me.post("files", b"--x", Content_Type=MULTIPART_CONTENT), 422, "validation_failed")
    twice = encode_multipart(BOUNDARY, {"file": Named(drawn()), "other": Named(drawn())})
    assert is_problem(me.post("files", twice, Content_Type=MULTIPART_CONTENT), 422, "validation_failed")
    assert is_problem(send(me, drawn(), purpose="passport"), 422, "validation_failed")
    assert is_problem(send(me, b""), 422, "validation_failed")
    crowd = encode_multipart(BOUNDARY, {"file": Named(drawn())} | {f"field{number}": "x" for number in range(1001)})
    assert is_problem(me.post("files", crowd, Content_Type=MULTIPART_CONTENT), 400, "malformed_request")
    pile = encode_multipart(BOUNDARY, {f"file{number}": Named(b"x") for number in range(101)})
    assert is_problem(me.post("files", pile, Content_Type=MULTIPART_CONTENT), 400, "malformed_request")
    assert is_problem(me.post("files", b"x", Content_Type="multipart/form-data"), 400, "malformed_request")
    assert Upload.objects.count() == 0


def test_another_member_a_program_and_nobody_find_no_file(
    me: Caller, nobody: Caller, new_member: Callable[..., Caller]
):
    other = new_member("阿青", 2)
    file = send(me, drawn()).data["id"]

    assert is_problem(other.get(f"files/{file}"), 404, "not_found")
    assert is_problem(nobody.get(f"files/{file}"), 401, "unauthenticated")
    refused = other.put("me", {"avatar": file}, If_Match="*")
    assert is_problem(refused, 422, "validation_failed")
    assert refused.data["errors"][0]["pointer"] == "/avatar"
    asked = {"kind": "question", "title": "看图", "text": "看图", "files": [file]}
    refused = other.post("me/tickets", asked, Idempotency_Key="picture-of-another")
    assert is_problem(refused, 422, "validation_failed")
    assert refused.data["errors"][0]["pointer"] == "/files"
    assert Member.objects.filter(avatar__isnull=False).count() == 0
    assert Upload.objects.get().expires_at is not None


def test_a_link_opens_one_file_for_ten_minutes_and_no_other(me: Caller, nobody: Caller, clock):
    start = house.now()
    clock(start)
    first, second = send(me, drawn()).data, send(me, drawn(colour="#112233")).data
    opens = first["link"].partition("?opens=")[2]
    end, _, signature = opens.partition(".")

    for forged in (
        "",
        "x",
        opens[:-1],
        f"{int(end) + 60}.{signature}",
        f"{end}.",
        f"-{end}.{signature}",
        "９.x",
        opens + "é",
    ):
        assert is_problem(nobody.get(f"files/{first['id']}/content?opens={forged}"), 404, "not_found"), forged
    assert is_problem(nobody.get(f"files/{second['id']}/content?opens={opens}"), 404, "not_found")
    clock(start + timedelta(minutes=9, seconds=58))
    assert nobody.http.get(first["link"]).status_code == 200
    clock(start + timedelta(minutes=10, seconds=1))
    assert is_problem(nobody.call("GET", first["link"]), 404, "not_found")


def test_a_file_waits_a_day_for_its_use_and_is_swept_then(me: Caller, clock):
    start = house.now()
    clock(start)
    kept, waiting = (send(me, drawn(colour=colour)).data["id"] for colour in ("#111111", "#222222"))
    me.put("me", {"avatar": kept}, If_Match="*")

    clock(start + timedelta(hours=24, seconds=1))

    assert uploads.sweep() == {"expired": 1, "strays": 0}
    assert Upload.objects.get().pk == ids.decode("file", kept)
    assert len(stored()) == 1
    assert Member.objects.get().avatar_id == ids.decode("file", kept)
    assert uploads.avatar(Member.objects.get().pk) is not None
    with pytest.raises(NotFound):
        uploads.one(member_id=Member.objects.get().pk, upload_id=ids.decode("file", waiting))


def test_a_file_that_no_row_knows_is_swept_after_a_day(me: Caller):
    send(me, drawn())
    folder = Path(settings.MEDIA_ROOT) / "uploads" / "ab"
    folder.mkdir(parents=True, exist_ok=True)
    for name, hours in (("ab01", 25), ("ab02", 1)):
        (folder / name).write_bytes(b"sealed")
        old = (house.now() - timedelta(hours=hours)).timestamp()
        os.utime(folder / name, (old, old))

    assert uploads.sweep() == {"expired": 0, "strays": 1}
    assert {path.name for path in stored()} == {"ab02", Upload.objects.get().key}


def test_a_new_picture_replaces_the_old_one_and_null_takes_it_away(me: Caller):
    first, second = (send(me, drawn(colour=colour)).data["id"] for colour in ("#111111", "#222222"))
    me.put("me", {"avatar": first}, If_Match="*")

    assert me.put("me", {"avatar": second}, If_Match="*").data["avatar"] == second
    assert uploads.sweep()["expired"] == 1
    assert me.put("me", {"nickname": "阿满"}, If_Match="*").data["avatar"] == second
    assert me.put("me", {"avatar": None}, If_Match="*").data["avatar"] is None
    assert uploads.sweep()["expired"] == 1
    assert (Upload.objects.count(), stored()) == (0, [])


def test_the_same_picture_again_is_the_same_file_whose_day_begins_anew(me: Caller, clock):
    start = house.now()
    clock(start)
    first = send(me, drawn()).data
    clock(start + timedelta(minutes=20))

    again = send(me, drawn()).data

    assert again["id"] == first["id"]
    assert house.parse(again["expires_at"]) - house.parse(first["expires_at"]) == timedelta(minutes=20)
    assert len(stored()) == 1
    me.put("me", {"avatar": first["id"]}, If_Match="*")
    assert send(me, drawn()).data["expires_at"] is None


def test_a_member_has_twenty_files_that_nothing_uses_at_most(me: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MOST_WAITING", 3)
    files = [send(me, drawn(size=(8, 8 + number))).data["id"] for number in range(3)]

    answer = send(me, drawn(size=(9, 9)))

    assert is_problem(answer, 409, "upload_quota_reached")
    assert answer.data["limit"] == 3
    assert len(stored()) == 3
    me.put("me", {"avatar": files[0]}, If_Match="*")
    assert send(me, drawn(size=(9, 9))).status_code == 201


def test_tries_are_counted_whatever_comes_of_them(me: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "PER_WINDOW", 3)
    for _ in range(3):
        assert send(me, made.SVG).status_code == 415

    answer = send(me, drawn())

    assert is_problem(answer, 429, "rate_limited")
    assert 1 <= int(answer["Retry-After"]) <= 600
    assert Upload.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_ten_copies_at_once_make_one_file_and_the_quota_is_exact(me: Caller, monkeypatch: pytest.MonkeyPatch):
    member_id = Member.objects.get().pk
    monkeypatch.setattr(uploads, "MOST_WAITING", 4)
    monkeypatch.setattr(uploads, "PER_WINDOW", 1000)
    gate = Barrier(10)

    def put(number: int) -> int | str:
        try:
            gate.wait()
            return uploads.take(member_id=member_id, content=drawn(size=(8, 8 + number)), purpose="avatar").id
        except UploadQuotaReached as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        same = set(pool.map(put, [0] * 10))
        assert len(same) == 1
        assert len(stored()) == 1
        answers = list(pool.map(put, range(1, 11)))

    assert answers.count("upload_quota_reached") == 7
    assert Upload.objects.count() == len(stored()) == 4


def test_the_picture_is_part_of_the_copy_of_ones_data_and_an_erasure_leaves_nothing(me: Caller):
    file = send(me, drawn(size=(300, 200))).data["id"]
    me.put("me", {"avatar": file}, If_Match="*")
    member_id = Member.objects.get().pk
    jobs.run(job_id=privacy.request_export(member_id=member_id))
    tokens.step_up(family_id=me.family_id)
    copy = privacy.take_export(member_id=member_id, family_id=me.family_id).content
    archive = zipfile.ZipFile(io.BytesIO(copy))
    [row] = json.loads(archive.read("data.json"))["tables"]["members.Upload"]
    assert (row["file"], row["width"], row["height"]) == (f"files/{file}.jpg", 300, 200)
    assert archive.read(row["file"]).startswith(b"\xff\xd8\xff")
    assert f"files/{file}.jpg" in archive.read("data.html").decode()

    asked = privacy.request_erasure(member_id=member_id)
    with house.frozen(asked.effective_at):
        assert erasure.run_due() == {"erased": 1, "failed": 0}

    assert (Upload.objects.count(), stored()) == (0, [])
    assert Member.objects.get().avatar_id is None


def test_a_failure_on_the_way_leaves_no_file(me: Caller, monkeypatch: pytest.MonkeyPatch):
    def broken(*args: Any, **kwargs: Any) -> Upload:
        raise ZeroDivisionError

    monkeypatch.setattr(uploads, "_stored", broken)

    with pytest.raises(ZeroDivisionError):
        uploads.take(member_id=Member.objects.get().pk, content=drawn(), purpose="avatar")

    assert stored() == []
    with pytest.raises(PictureRefused):
        uploads.take(member_id=Member.objects.get().pk, content=b"", purpose="avatar")
    assert ratelimits.ask([]).refusal is None
