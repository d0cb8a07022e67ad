"""Pictures that members send, pictures and documents that staff send them: taken, shown to their owner, used, and swept.

Nothing of them lies unsealed on a disk.

A file lies in the vault (`core.files.vault`, MEDIA_ROOT/uploads by default) before its row is written and goes after its row has
gone: what a crash leaves behind is a sealed file without a row, which `sweep` removes.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NoReturn

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.core import ciphers, clock, ids, ratelimits
from apps.core.errors import BadCipher, NotFound, ValidationFailed
from apps.core.files import documents, pictures, scanning, vault
from apps.core.files.errors import PictureTooLarge
from apps.core.ratelimits import Limit
from apps.members import identities, profile, selectors
from apps.members.errors import TooManyUploads, UploadQuotaReached
from apps.members.models import Member, Upload

PREFIX = "file"
FOLDER = "uploads"
WAITS = timedelta(hours=24)  # for its use
MOST_WAITING = 20  # files of one member without a use
PER_WINDOW, WINDOW = 20, 600  # tries of one member in seconds: each may cost half a second of work
LONGEST = {
    Upload.Purpose.AVATAR: 640,
    Upload.Purpose.TICKET: 1_600,
    Upload.Purpose.DESK: 1_600,
}  # pixels of the longer side
_SWEEP = """
delete from members_upload u where expires_at <= %s and not exists (select from members_member m where m.avatar_id = u.id)
returning key
"""


@dataclass(frozen=True)
class Taken:
    """One file of a member. `expires_at` is None while something uses it."""

    id: int
    public_id: str
    purpose: str
    media_type: str
    width: int
    height: int
    size: int
    expires_at: datetime | None


@dataclass(frozen=True)
class _Clean:
    content: bytes
    media_type: str = pictures.MEDIA_TYPE
    width: int = 0
    height: int = 0


def take(*, member_id: int, content: bytes, purpose: str) -> Taken:
    """Keep a picture, or for DESK a PDF, for a day; the same one again is the same file, and its day begins anew.

    Call it with no transaction open. Raises DocumentRefused, PictureRefused, PictureTooLarge, UploadQuotaReached, TooManyUploads,
    FileInfected, ScannerSilent; nothing is kept then.
    """
    if len(content) > settings.API_UPLOAD_MAX_BYTES:
        raise PictureTooLarge(limit_bytes=settings.API_UPLOAD_MAX_BYTES)
    _count(f"{member_id}:desk" if purpose == Upload.Purpose.DESK else str(member_id))
    digest = ciphers.blind_index(kind="upload", value=sha256(content).hexdigest())
    known = Upload.objects.filter(member_id=member_id, purpose=purpose, digest=digest)
    if _renewed(known):
        return _shown(known.get())
    _check_quota(member_id)
    scanning.check(content)
    clean = _clean(content, purpose)
    key = _kept(member_id, clean.content)
    try:
        row = _stored(member_id, purpose, digest, clean, key)
    except BaseException:
        vault.drop(_path(key))
        raise
    if row.key != key:  # the same picture came twice at once
        vault.drop(_path(key))
    return _shown(row)


def one(*, member_id: int, upload_id: int) -> Taken:
    """A file of this member. Raises NotFound for anybody else's, and when its day is over."""
    return _shown(_living(member_id).exclude(purpose=Upload.Purpose.DESK).filter(pk=upload_id).first() or _missing())


def content(*, upload_id: int) -> bytes:
    """The picture itself: the caller has asked whether it may be seen. Raises NotFound."""
    row = Upload.objects.filter(_alive(), pk=upload_id).first() or _missing()
    return _opened(row) or _missing()


def avatar(member_id: int) -> bytes | None:
    """The member's profile picture; None without one."""
    row = Upload.objects.filter(pk__in=Member.objects.filter(pk=member_id).values("avatar_id")).first()
    return _opened(row) if row else None


@transaction.atomic
def use(*, member_id: int, upload_ids: Sequence[int], purpose: str) -> bool:
    """Files of the member are in use from now on, all of them. False, and none is, when one is not there or not meant for this."""
    wanted = Upload.objects.select_for_update().filter(
        _alive(), member_id__in=selectors.family(member_id), purpose=purpose
    )
    found = wanted.filter(pk__in=upload_ids)
    if len(found) != len(set(upload_ids)):
        return False
    Upload.objects.filter(pk__in=upload_ids).update(expires_at=None)
    return True


def waiting(*, member_id: int, purpose: str) -> QuerySet[Upload]:
    """What the member sent for this and nothing uses yet, oldest first."""
    rows = Upload.objects.filter(member_id=member_id, purpose=purpose, expires_at__gt=clock.now())
    return rows.order_by("pk")


@transaction.atomic
def use_as_avatar(*, member_id: int, upload_id: int | None) -> None:
    """Make a file of the member their profile picture, or None: have none. The earlier one goes.

    Raises ValidationFailed (/avatar) when there is no such file of theirs.
    """
    profile.hold(member_id=member_id)
    if upload_id is not None:
        wanted = _living(member_id).filter(pk=upload_id, purpose=Upload.Purpose.AVATAR)
        if not wanted.update(expires_at=None):
            sentence = _("This picture is not there any more. Choose it again.")
            raise ValidationFailed(errors=[{"pointer": "/avatar", "code": "invalid", "message": sentence}])
    before = Member.objects.values_list("avatar_id", flat=True).get(pk=member_id)
    Member.objects.filter(pk=member_id).update(avatar_id=upload_id)
    if before and before != upload_id:
        Upload.objects.filter(pk=before).update(expires_at=clock.now())


def contents(member_id: int) -> Iterator[tuple[str, bytes]]:
    """(file name, picture) of every file of the member, also of records joined to theirs: for the copy of their data."""
    for row in theirs(Upload.objects.filter(member_id__in=selectors.family(member_id))).order_by("pk"):
        opened = _opened(row)
        if opened is not None:
            yield file_name(row), opened


def theirs(rows: QuerySet[Upload]) -> QuerySet[Upload]:
    """Without what staff have chosen and not yet said to the member."""
    return rows.exclude(purpose=Upload.Purpose.DESK, expires_at__isnull=False)


def file_name(row: Upload) -> str:
    ending = "pdf" if row.media_type == documents.MEDIA_TYPE else "jpg"
    return f"{ids.encode(PREFIX, row.pk)}.{ending}"


def sweep() -> dict[str, int]:
    """Remove files whose day is over, and sealed files that no row knows. Returns counts."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SWEEP, [clock.now()])
        keys = [key for (key,) in cursor.fetchall()]
    for key in keys:
        vault.drop(_path(key))
    return {"expired": len(keys), "strays": _remove_strays()}


def remove_files(member_id: int) -> None:
    """For the erasure. Should its transaction fail, it is tried again, and misses nothing."""
    for key in Upload.objects.filter(member_id=member_id).values_list("key", flat=True):
        vault.drop(_path(key))


def _count(subject: str) -> None:
    limit = Limit(name="upload", subject=subject, quota=PER_WINDOW, window=WINDOW)
    if refusal := ratelimits.ask([limit]).refusal:
        raise TooManyUploads(retry_after=refusal.reset)


def _check_quota(member_id: int) -> None:
    if Upload.objects.filter(member_id=member_id, expires_at__gt=clock.now()).count() >= MOST_WAITING:
        raise UploadQuotaReached(limit=MOST_WAITING)


def _renewed(known: QuerySet[Upload]) -> bool:
    """Whether the file is there; one that waits begins its day anew, one in use stays in use."""
    return bool(known.exclude(expires_at=None).update(expires_at=clock.now() + WAITS)) or known.exists()


def _clean(content: bytes, purpose: str) -> _Clean:
    if purpose == Upload.Purpose.DESK and documents.is_pdf(content):
        documents.check(content)
        return _Clean(content, documents.MEDIA_TYPE)
    picture = pictures.clean(content, longest=LONGEST[Upload.Purpose(purpose)])
    return _Clean(picture.content, width=picture.width, height=picture.height)


def _kept(member_id: int, plain: bytes) -> str:
    key = secrets.token_hex(16)
    sealed = ciphers.encrypt_bytes(person_key=identities.person_key(member_id), plain=plain, context=_context(key))
    vault.keep(_path(key), sealed)
    return key


@transaction.atomic
def _stored(member_id: int, purpose: str, digest: bytes, clean: _Clean, key: str) -> Upload:
    """The row of this file. The member is held, so that the quota is exact and of two copies at once one is kept."""
    profile.hold(member_id=member_id)
    known = Upload.objects.filter(member_id=member_id, purpose=purpose, digest=digest)
    if _renewed(known):
        return known.get()
    _check_quota(member_id)
    return Upload.objects.create(
        member_id=member_id,
        key=key,
        digest=digest,
        purpose=purpose,
        media_type=clean.media_type,
        width=clean.width,
        height=clean.height,
        size=len(clean.content),
        expires_at=clock.now() + WAITS,
    )


def _remove_strays() -> int:
    """Older than a day: a younger one may belong to a row that is about to be written."""
    oldest = (clock.now() - WAITS).timestamp()
    old = {name.rpartition("/")[2]: name for name in vault.older_than(FOLDER, seconds=oldest)}
    known = set(Upload.objects.filter(key__in=list(old)).values_list("key", flat=True))
    for key in old.keys() - known:
        vault.drop(old[key])
    return len(old.keys() - known)


def _opened(row: Upload) -> bytes | None:
    """None when the key of the member or the file itself is gone."""
    try:
        key = identities.person_key(row.member_id)
        return ciphers.decrypt_bytes(person_key=key, blob=vault.read(_path(row.key)), context=_context(row.key))
    except (BadCipher, FileNotFoundError):
        return None


def _alive() -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=clock.now())


def _living(member_id: int) -> QuerySet[Upload]:
    return Upload.objects.filter(_alive(), member_id=member_id)


def _missing() -> NoReturn:
    raise NotFound


def _context(key: str) -> str:
    return f"upload:{key}"


def _path(key: str) -> str:
    return f"{FOLDER}/{key[:2]}/{key}"


def _shown(row: Upload) -> Taken:
    return Taken(
        id=row.pk,
        public_id=ids.encode(PREFIX, row.pk),
        purpose=row.purpose,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        size=row.size,
        expires_at=row.expires_at,
    )
