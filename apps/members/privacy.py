"""What the members' tables hold, and how it is shown and erased."""

from django.utils.translation import gettext_lazy as _

from apps.core import ciphers
from apps.core.errors import BadCipher
from apps.core.holdings import Holding, Purge
from apps.members import identities, uploads
from apps.members.models import CodeRequest, Doubt, Identity, KnownDevice, Member, MemberKey, Upload

HOLDINGS = (
    Holding(
        model="members.Member",
        sensitivity="sensitive",
        member="id",
        export=(
            "member_no",
            "nickname",
            "gender",
            "birth_year",
            "birth_month",
            "birth_day",
            "status",
            "home_store",
            "source",
            "tags",
            "attributes",
            "joined_at",
        ),
        on_erase="keep",
        on_merge="stay",
        blank=(
            "nickname",
            "gender",
            "birth_year",
            "birth_month",
            "birth_day",
            "tags",
            "attributes",
            "source",
            "user",
            "avatar",
        ),
        reason=_("A row without a name, so that orders and figures still add up."),
    ),
    Holding(
        model="members.MemberKey",
        sensitivity="sensitive",
        member="member_id",
        export=(),
        on_erase="delete",
        on_merge="stay",
        reason=_("The key itself says nothing; destroying it makes sealed values unreadable."),
    ),
    Holding(
        model="members.Identity",
        sensitivity="sensitive",
        member="member_id",
        export=("kind", "namespace", "verified_at", "created_at"),
        on_erase="delete",
        on_merge="move",
    ),
    Holding(
        model="members.Consent",
        sensitivity="personal",
        member="member_id",
        export=("purpose", "channel", "is_granted", "source", "text_version", "at", "expires_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_("Proof of what was agreed to and withdrawn; it holds no name and no number."),
        purpose="consent",
    ),
    Holding(
        model="members.ConsentNow",
        sensitivity="personal",
        member="member_id",
        export=("purpose", "channel", "is_granted", "at", "text_version", "valid_until"),
        on_erase="delete",
        on_merge="stay",
        purpose="consent",
    ),
    Holding(
        model="members.Guardian",
        sensitivity="sensitive",
        member="member_id",
        export=("at", "ended_at"),
        on_erase="delete",
        on_merge="move",
        purpose="consent",
    ),
    Holding(
        model="members.StateChange",
        sensitivity="personal",
        member="member_id",
        export=("before", "after", "cause", "at"),
        on_erase="keep",
        on_merge="stay",
        reason=_(
            "Says when the membership ended and that the member asked for it; append-only, without name and number."
        ),
    ),
    Holding(
        model="members.Merge",
        sensitivity="sensitive",
        member="survivor_id",
        export=("at", "undone_at"),
        on_erase="keep",
        on_merge="stay",
        blank=("before_sealed", "reason"),
        reason=_("Old numbers of the record lead here; the values from before are sealed with the destroyed key."),
    ),
    Holding(
        model="members.MergeMove",
        sensitivity="technical",
        member="merge__survivor_id",
        export=("model",),
        on_erase="keep",
        on_merge="stay",
        reason=_("Ids of rows, nothing else."),
    ),
    Holding(
        model="members.Doubt",
        sensitivity="technical",
        member="first_id",
        export=("cause", "state", "at"),
        on_erase="delete",
        on_merge="stay",
    ),
    Holding(
        model="members.MemberTag",
        sensitivity="personal",
        member="member_id",
        export=("tag", "source", "given_at", "expires_on"),
        on_erase="delete",
        on_merge="move",
    ),
    Holding(
        model="members.MemberCode",
        sensitivity="personal",
        member="member_id",
        export=("issued_at", "expires_at", "used_at", "store"),
        on_erase="delete",
        on_merge="stay",
        retain_days=2,
        since="expires_at",
    ),
    Holding(
        model="members.Opening",
        sensitivity="personal",
        member="member_id",
        export=("kind", "key", "amount", "expires_on", "source", "created_at", "taken_at"),
        on_erase="delete",
        on_merge="move",
    ),
    Holding(  # sealed with the key of the record that sent it, so it stays there; a survivor keeps its own picture
        model="members.Upload",
        sensitivity="sensitive",
        member="member_id",
        export=("purpose", "width", "height", "size", "created_at", "expires_at"),
        on_erase="delete",
        on_merge="stay",
        retain_days=1,
        since="expires_at",
    ),
    Holding(
        model="members.TakenTag",
        sensitivity="personal",
        member="member_id",
        export=("tag", "source", "given_at", "expires_on"),
        on_erase="delete",
        on_merge="move",  # an act that is undone puts the tag back on the record that counts
    ),
)
IMPERSONAL = (
    "members.CodeAlarm",
    "members.CodeRequest",  # knows a phone by its keyed hash; a sealed number goes with use or age; see _forget_codes
    "members.KnownDevice",  # two keyed hashes; see _forget_codes
    "members.Attribute",
    "members.PolicyText",
    "members.Departure",  # a keyed hash that no living row can be joined to
    "members.MemberImport",
    "members.Tag",
    "members.TagAct",
    "members.TagGroup",
)


def _identities(member_id: int) -> list[dict[str, object]]:
    """Each with its value opened: the member's own numbers, whole."""
    wrapped = MemberKey.objects.filter(member_id=member_id).values_list("wrapped", flat=True).first()
    key = ciphers.unwrap(bytes(wrapped)) if wrapped else None
    return [
        {
            "kind": row.kind,
            "namespace": row.namespace,
            "value": _opened(row, key),
            "verified_at": row.verified_at,
            "created_at": row.created_at,
        }
        for row in Identity.objects.filter(member_id=member_id).order_by("pk")
    ]


def _opened(row: Identity, key: bytes | None) -> str | None:
    try:
        return (
            ciphers.decrypt(person_key=key, blob=bytes(row.sealed), context=identities.context(row.kind))
            if key
            else None
        )
    except BadCipher:
        return None


def _leave_no_number(member_id: int) -> None:
    """The number stands on cards and in files: a file that names it again must not find this row."""
    Member.objects.filter(pk=member_id).update(member_no=erased_number(member_id), status=Member.Status.ERASED)


def erased_number(member_id: int) -> str:
    return f"erased-{member_id}"


def _forget_pairs(member_id: int) -> None:
    """The other side of a pair to look at; the declaration names only the first."""
    Doubt.objects.filter(second_id=member_id).delete()


def _forget_codes(member_id: int) -> None:
    """Codes asked for and devices known under the member's phones."""
    phones = Identity.objects.filter(member_id=member_id, kind=Identity.Kind.PHONE)
    digests = [bytes(digest) for digest in phones.values_list("digest", flat=True)]
    CodeRequest.objects.filter(phone_digest__in=digests).delete()
    KnownDevice.objects.filter(phone_digest__in=digests).delete()


def _uploads(member_id: int) -> list[dict[str, object]]:
    """Each with the name under which the picture itself lies in the copy."""
    return [
        {
            "purpose": row.purpose,
            "file": f"files/{uploads.file_name(row)}",
            "width": row.width,
            "height": row.height,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
        }
        for row in uploads.theirs(Upload.objects.filter(member_id=member_id)).order_by("pk")
    ]


SHOWN = {"members.Identity": _identities, "members.Upload": _uploads}
PURGES = (
    Purge(model="members.Departure", days=1, since="expires_at"),
    Purge(model="members.CodeRequest", days=2, since="created_at"),
    Purge(model="members.KnownDevice", days=90, since="at"),
    Purge(model="members.CodeAlarm", days=180, since="opened_at", only={"closed_at__isnull": False}),
)
ERASES = (_leave_no_number, _forget_pairs, _forget_codes, uploads.remove_files)
