"""The member: identities, consent, tags, attributes. Personal values are sealed with the member's own key."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.members.histories import Departure, Doubt, Merge, MergeMove, StateChange
from apps.members.labels import MemberTag, Tag, TagAct, TagGroup, TakenTag
from apps.members.openings import MemberImport, Opening
from apps.members.proofs import CodeAlarm, CodeRequest, KnownDevice
from apps.members.shown_codes import MemberCode
from apps.members.stored_files import Upload

__all__ = [
    "Attribute", "CodeAlarm", "CodeRequest", "Consent", "ConsentNow", "Departure", "Doubt", "Guardian", "Identity",
    "KnownDevice", "Member", "MemberCode", "MemberImport", "MemberKey", "MemberTag", "Merge", "MergeMove", "Opening",
    "PolicyText", "StateChange",
    "Tag", "TagAct", "TagGroup", "TakenTag", "Upload",
]  # fmt: skip


class Member(models.Model):
    """A person the brand knows. `nickname` is plain and searchable; real name and phone never stand here."""

    class Status(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("member", "Active")
        FROZEN = "frozen", _("Frozen")
        BLOCKED = "blocked", pgettext_lazy("member", "Blocked")
        CANCELLED = "cancelled", pgettext_lazy("member", "Cancelled")
        ERASED = "erased", _("Erased")
        MERGED = "merged", pgettext_lazy("member", "Merged")

    class Gender(models.TextChoices):
        UNKNOWN = "", _("Not known")
        FEMALE = "f", _("Female")
        MALE = "m", _("Male")

    user = models.OneToOneField("core.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="member")
    member_no = models.CharField(_("member number"), max_length=40, unique=True)
    nickname = models.CharField(_("nickname"), max_length=40, blank=True)
    gender = models.CharField(max_length=1, choices=Gender, default=Gender.UNKNOWN, blank=True)
    birth_year = models.PositiveSmallIntegerField(null=True)
    birth_month = models.PositiveSmallIntegerField(null=True)
    birth_day = models.PositiveSmallIntegerField(null=True)
    birthday_corrected_at = models.DateTimeField(null=True)  # by the member, who may do so once
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    home_store = models.ForeignKey(
        "stores.Store", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    source = models.CharField(max_length=60, blank=True)  # where they registered: "import", "qr:poster-7", "demo"
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # kept by triggers on MemberTag
    attributes = models.JSONField(default=dict, blank=True)  # typed by Attribute; checked by services.set_attributes
    joined_at = models.DateTimeField(default=clock.now)
    avatar = models.ForeignKey("Upload", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # the record that counts; never one that is merged itself, so one step leads there

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        indexes = [
            GinIndex(fields=["tags"], name="members_tags"),
            GinIndex(
                OpClass("attributes", name="jsonb_path_ops"), condition=~Q(attributes={}), name="members_attributes"
            ),
            GinIndex(OpClass(Upper("nickname"), name="gin_trgm_ops"), name="members_nickname"),
            models.Index(fields=["home_store", "id"], name="members_of_store"),
            models.Index(fields=["joined_at"], name="members_joined"),
            models.Index(fields=["birth_month", "birth_day"], name="members_birthday"),
            models.Index(fields=["birth_year"], condition=Q(birth_year__gte=2000), name="members_young"),
            models.Index(fields=["id"], include=["status"], condition=~Q(status="active"), name="members_not_active"),
            models.Index(OpClass("source", name="varchar_pattern_ops"), "id", name="members_by_source"),
            models.Index(fields=["avatar"], condition=Q(avatar__isnull=False), name="members_avatars"),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="members_aliases"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(birth_month=None) | Q(birth_month__gte=1, birth_month__lte=12), name="members_month_real"
            ),
            models.CheckConstraint(
                condition=Q(birth_day=None) | Q(birth_day__gte=1, birth_day__lte=31), name="members_day_real"
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) & ~Q(status="merged")
                | Q(merged_into__isnull=False, status__in=["merged", "erased"]),
                name="members_alias_is_merged",
            ),
        ]

    def __str__(self) -> str:
        return self.member_no


class MemberKey(models.Model):
    """The member's data key, wrapped. Deleting this row makes every sealed value of the member unreadable."""

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.CASCADE, related_name="key")
    wrapped = models.BinaryField()

    def __str__(self) -> str:
        return str(self.member_id)


class Identity(models.Model):
    """One way to recognise a member: unique per kind and namespace. `sealed` holds the value, `digest` its blind index."""

    class Kind(models.TextChoices):
        PHONE = "phone", _("Phone")
        CARD = "card", _("Card")
        OPENID = "openid", _("Mini-program id")
        UNIONID = "unionid", _("WeChat union id")
        EXTERNAL = "external_userid", _("WeCom contact")
        EMAIL = "email", _("E-mail")

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="identities", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    namespace = models.CharField(max_length=40, blank=True)  # the app id of an openid
    digest = models.BinaryField(max_length=32)
    tail_digest = models.BinaryField(max_length=32, null=True)  # phones: blind index of the last four digits
    sealed = models.BinaryField()
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "namespace", "digest"], name="members_identity_once"),
        ]
        indexes = [
            models.Index(fields=["member", "kind"], name="members_identity_of"),
            models.Index(fields=["tail_digest"], condition=Q(tail_digest__isnull=False), name="members_phone_tail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.member_id}"


class Consent(models.Model):
    """One statement of will, append-only. The newest line per member, purpose and channel counts."""

    class Purpose(models.TextChoices):
        MARKETING = "marketing", _("Marketing messages")
        CARE = "care", _("Care messages")
        PROFILING = "profiling", _("Personalisation")
        ADVERTISING = "advertising", _("Adverts elsewhere")  # hashes for advertising platforms; see `segments.packs`
        GUARDIAN = "guardian", _("Consent of a guardian")  # for a child under 14; see `consents.give_guardian_consent`

    class Channel(models.TextChoices):
        SMS = "sms", _("SMS")
        INBOX = "inbox", _("In-app inbox")
        WECOM = "wecom", _("WeCom")
        EMAIL = "email", _("E-mail")
        ANY = "any", _("Any channel")

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+", db_index=False)
    purpose = models.CharField(max_length=20, choices=Purpose)
    channel = models.CharField(max_length=10, choices=Channel)
    is_granted = models.BooleanField()
    source = models.CharField(max_length=60)  # "import", "portal", "sms:R"
    text_version = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True)  # a yes for a time only

    class Meta:
        indexes = [models.Index(fields=["member", "purpose", "channel", "-id"], name="members_consent_newest")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.purpose} {self.channel}"


class ConsentNow(models.Model):
    """The newest line per member, purpose and channel, kept by a trigger on Consent: what the gate joins."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+", db_index=False)
    purpose = models.CharField(max_length=20)
    channel = models.CharField(max_length=10)
    is_granted = models.BooleanField()
    at = models.DateTimeField()
    text_version = models.CharField(max_length=40, blank=True, default="")
    valid_until = models.DateTimeField(
        null=True
    )  # a yes no longer counts from then on: it expires, or its text was replaced

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "purpose", "channel"], name="members_consent_now_once"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.purpose} {self.channel}"


class Guardian(models.Model):
    """A guardian's phone that agreed for a child under 14, by its keyed hash alone: proves later which number it was."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    phone_digest = models.BinaryField(max_length=32)
    at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)  # taken back, or another guardian spoke

    class Meta:
        indexes = [models.Index(fields=["phone_digest"], condition=Q(ended_at=None), name="members_guardian_of")]

    def __str__(self) -> str:
        return f"guardian of {self.member_id}"


class PolicyText(models.Model):
    """What members are asked to agree to, by purpose and version, append-only. `consents.text_version` names one."""

    purpose = models.CharField(_("purpose"), max_length=20, choices=Consent.Purpose)
    version = models.CharField(_("version"), max_length=40)
    text_zh = models.TextField(_("text in Chinese"))
    text_en = models.TextField(_("text in English"))
    effective_at = models.DateTimeField(_("in force from"))
    asks_again = models.BooleanField(_("earlier consents end"), default=False)
    published_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("policy text")
        verbose_name_plural = _("policy texts")
        constraints = [models.UniqueConstraint(fields=["purpose", "version"], name="members_policy_version_once")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.version}"


class Attribute(models.Model):
    """A brand's own typed field on members (A6)."""

    class Type(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        FLAG = "flag", _("Yes or no")
        CHOICE = "choice", _("Choice")

    key = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("label"), max_length=40)
    type = models.CharField(_("type"), max_length=10, choices=Type)
    choices = models.JSONField(_("choices"), default=list, blank=True)
    is_searchable = models.BooleanField(
        default=False
    )  # the search box finds its texts, the list filters by its choices
    is_shown = models.BooleanField(default=True)  # on the member's page
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField(null=True)  # from then on values stay, and can no longer be entered

    class Meta:
        verbose_name = _("member attribute")
        verbose_name_plural = _("member attributes")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label
