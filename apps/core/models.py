"""Log-in accounts, the audit trail, long jobs, brand settings, heartbeats."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **extra: object) -> "User":
        user = self.model(username=username, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **extra: object) -> "User":
        return self.create_user(username, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractBaseUser, PermissionsMixin):
    """Log-in only: no personal data. A person is `stores.Staff` or `members.Member`."""

    username = models.CharField(_("log-in name"), max_length=80, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the back office"), default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = UserManager()
    USERNAME_FIELD = "username"

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.username


class AuditEntry(models.Model):
    """One act or one changed row. Written by `audit.record` and by database triggers; nobody can change or remove a line."""

    at = models.DateTimeField(default=clock.now)
    actor = models.CharField(max_length=60)  # "user:7", "system", "cli"
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=60)  # "member.unmasked", "care_policy.update"
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=60, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="core_audit_of_object"),
            models.Index(fields=["action", "id"], name="core_audit_of_action"),
            models.Index(fields=["actor", "id"], name="core_audit_of_actor"),
            BrinIndex(fields=["at"], name="core_audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type}:{self.object_id}"


class AuditSeal(models.Model):
    """A link of the chain that seals the audit trail (`seals`): lines with ids in (`after`, `upto`]. Append-only.

    `contents`: 32 bytes a line, the digest of its before and after. `next_upto`, `next_xid`: what the next one may reach, and what has
    to be over by then.
    """

    at = models.DateTimeField(default=clock.now)
    after = models.BigIntegerField()
    upto = models.BigIntegerField()
    lines = models.PositiveIntegerField()
    contents = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    next_upto = models.BigIntegerField()
    next_xid = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.after}–{self.upto}"


class Job(models.Model):
    """Long work that somebody started: progress, result file, pause and stop. `params` and `result` carry no personal data."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    class Wish(models.TextChoices):
        NONE = "", _("None")
        PAUSE = "pause", _("Pause")
        STOP = "stop", _("Stop")

    kind = models.CharField(max_length=60)  # "orders.import"
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    wish = models.CharField(max_length=10, choices=Wish, default=Wish.NONE, blank=True)
    total = models.BigIntegerField(null=True)  # None: not known yet
    done = models.BigIntegerField(default=0)
    bad = models.BigIntegerField(default=0)
    params = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    result_file = models.CharField(max_length=200, blank=True)  # name below MEDIA_ROOT/jobs
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    language = models.CharField(
        max_length=10, blank=True, default="", db_default=""
    )  # of whoever started it; "": the default
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class TaskRun(models.Model):
    """One run of a scheduled task: what the job console shows. Old rows are purged."""

    task = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict)  # counts the task returned
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["task", "-id"], name="core_taskrun_newest")]

    def __str__(self) -> str:
        return f"{self.task} {self.started_at:%F %T}"


class BrandSetting(models.Model):
    """A value the brand has set, by the key that `brand.declare` knows. Absent means the declared default."""

    key = models.CharField(max_length=60, unique=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key


class Alert(models.Model):
    """Something that a person should look at. `key` makes it one row however often it is noticed; no personal data in `facts`."""

    kind = models.CharField(max_length=60)  # "members.unmasked_often"
    key = models.CharField(max_length=160, unique=True)
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        indexes = [models.Index(fields=["-id"], condition=models.Q(seen_at=None), name="core_alerts_unseen")]

    def __str__(self) -> str:
        return self.key


class Approval(models.Model):
    """Something one person asks for and another must agree to: never the same, says the database. No personal data in `params`."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a second person")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        LAPSED = "lapsed", _("Lapsed without a decision")

    kind = models.CharField(max_length=60)  # "points.adjust"; what it needs and does: `approvals.register`
    source = models.CharField(max_length=120, unique=True)  # the request that asked: a repeat is the same
    params = models.JSONField(default=dict)
    reason = models.CharField(max_length=200)
    store_id = models.BigIntegerField(null=True)  # whose managers may decide; no foreign key: core stands below stores
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("asked_by")),
                name="core_approval_by_two",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["approved", "refused"]) | models.Q(decided_by__isnull=False),
                name="core_approval_is_signed",
            ),
        ]
        indexes = [
            models.Index(fields=["-id"], condition=models.Q(state="waiting"), name="core_approvals_waiting"),
            models.Index(fields=["state", "-id"], name="core_approvals_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Heartbeat(models.Model):
    """Last sign of life of a part ("worker", "beat"); `/readyz` reads it."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """What was answered to a write, kept 24 hours under the client's key and written in the transaction of the effect."""

    actor = models.CharField(max_length=60)  # "user:7", "client:3", "device:5"
    route = models.CharField(max_length=200)  # "POST /api/v1/orders"
    key = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)  # of the request's body
    member_id = models.BigIntegerField(null=True)  # whose request it was; no foreign key: core stands below members
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor", "route", "key"], name="core_idempotency_once")]
        indexes = [
            models.Index(fields=["created_at"], name="core_idempotency_oldest"),
            models.Index(fields=["member_id"], condition=models.Q(member_id__isnull=False), name="core_idempotency_of"),
        ]

    def __str__(self) -> str:
        return f"{self.route} of {self.actor}"


class RequestLine(models.Model):
    """One call of the API, kept 7 days: who, what, what came of it. Ids only; no addresses, query strings or bodies."""

    at = models.DateTimeField()
    request_id = models.CharField(max_length=64)
    trace = models.CharField(max_length=32)
    actor = models.CharField(max_length=60, blank=True)  # "user:7", "client:3", "device:5", "" for nobody
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=60)  # the route's name: "api:order"
    status = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=60, blank=True)  # of the problem
    ms = models.PositiveIntegerField()
    is_replayed = models.BooleanField(default=False)
    app = models.CharField(
        max_length=60, blank=True, default="", db_default=""
    )  # a mini-program and its version: "wx51…/12"

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="core_request_oldest"),
            models.Index(fields=["actor", "-id"], name="core_request_of_actor"),
            models.Index(fields=["request_id"], name="core_request_by_id"),
            models.Index(fields=["-id"], condition=models.Q(status__gte=400), name="core_request_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.status}"


class RateWindow(models.Model):
    """A rate limit counted while Valkey is away. `subject` is an id or a keyed digest, never an address."""

    name = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    used = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "subject"], name="core_ratewindow_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.used}"


class TokenFamily(models.Model):
    """One log-in on one device: what "where you are signed in" lists. Its pairs follow each other; revoking it ends all of them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    client = models.CharField(max_length=40)  # which door: "portal", "mini:wx123"
    label = models.CharField(max_length=80, blank=True)  # what the person reads: "iPhone · WeChat"
    created_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)  # coarse: moved on by rotations and once an hour by sessions
    expires_at = models.DateTimeField()  # end of the newest refresh token
    stepped_up_at = models.DateTimeField(null=True)  # last fresh proof of who sits there
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.CharField(max_length=20, blank=True)  # "signed_out", "reuse", "changed_phone"

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="core_token_family_of_user"),
            models.Index(fields=["expires_at"], name="core_token_family_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.pk}"


class TokenPair(models.Model):
    """An access token and the refresh token that came with it, as digests. A rotated pair stays to recognise its reuse."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="pairs")
    access_digest = models.BinaryField(max_length=32, unique=True)
    refresh_digest = models.BinaryField(max_length=32, unique=True)
    access_expires_at = models.DateTimeField()
    refresh_expires_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True)
    salt = models.BinaryField(max_length=16, null=True)  # of the successor's derivation, see `tokens`

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rotated_at=None, salt=None) | models.Q(rotated_at__isnull=False, salt__isnull=False),
                name="core_token_rotated_with_salt",
            ),
        ]
        indexes = [models.Index(fields=["refresh_expires_at"], name="core_token_pair_ends")]

    def __str__(self) -> str:
        return f"pair {self.pk} of {self.family_id}"
