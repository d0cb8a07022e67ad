"""How people prove that a phone is theirs: codes asked for, devices that have done so, alarms when too few codes are used.

Nothing here names a member: rows know a phone, a network and a device by keyed hashes only.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock

TRIES = 5


class CodeRequest(models.Model):
    """One ask for a one-time code. The phone is sealed under a key of the row until the code is used or too old."""

    class Purpose(models.TextChoices):
        LOGIN = "login", _("Log in")
        STEP_UP = "step_up", _("Confirm that it is you")
        CHANGE_PHONE = "change_phone", _("Change the phone number")
        GUARDIAN = "guardian", _("A guardian agrees")

    class State(models.TextChoices):
        SENT = "sent", _("Sent")  # from the moment it is decided: a crash on the way counts as sent
        PROBE = "probe", _("Sent as a trial")  # one of the few newcomers let through while an alarm is open
        HELD = "held", _("Held back")  # answered like the others, but nothing was sent: the conversion guard said no
        FAILED = "failed", _("Not sent")  # the provider could not be reached; counts for no limit

    key = models.CharField(max_length=40, unique=True)  # what the client shows with the code
    purpose = models.CharField(max_length=20, choices=Purpose)
    state = models.CharField(max_length=10, choices=State)
    phone_digest = models.BinaryField(max_length=32)
    network_digest = models.BinaryField(max_length=32)
    device_digest = models.BinaryField(max_length=32, null=True)
    is_newcomer = models.BooleanField()  # neither phone, network nor device was known: the share of these is watched
    is_at_home = models.BooleanField()  # this phone has proved itself on this device before
    code_digest = models.BinaryField(max_length=32)
    tries = models.PositiveSmallIntegerField(default=0)
    wrapped = models.BinaryField(null=True)
    sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tries__lte=TRIES), name="members_code_five_tries"),
            models.CheckConstraint(condition=Q(used_at=None) | Q(sealed=None), name="members_code_used_forgets_phone"),
        ]
        indexes = [
            models.Index(fields=["phone_digest", "created_at"], name="members_code_of_phone"),
            models.Index(fields=["network_digest", "created_at"], name="members_code_of_network"),
            models.Index(fields=["created_at"], condition=Q(is_newcomer=True), name="members_code_newcomers"),
            models.Index(fields=["expires_at"], condition=Q(sealed__isnull=False), name="members_code_sealed"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class KnownDevice(models.Model):
    """A phone has proved itself on this device: nobody else's asking takes its share of codes away."""

    phone_digest = models.BinaryField(max_length=32)
    device_digest = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["phone_digest", "device_digest"], name="members_known_device_once"),
        ]

    def __str__(self) -> str:
        return f"device {self.pk}"


class CodeAlarm(models.Model):
    """Too few of the codes sent to newcomers were used: they are held back until newcomers prove themselves again."""

    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    sent = models.PositiveIntegerField()  # to newcomers in the window, when it was opened
    used = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=Q(closed_at=None), name="members_code_alarm_one_open"),
        ]

    def __str__(self) -> str:
        return f"alarm {self.opened_at:%F %T}"
