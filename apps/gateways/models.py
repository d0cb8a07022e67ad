"""Tables of the gateways: the in-app inbox and the platforms' limits."""

from django.db import models


class InboxMessage(models.Model):
    """A message in the member's in-app inbox. `title` and `body` may hold a nickname, never a phone number."""

    member_id = models.BigIntegerField()  # no foreign key: gateways stand below members
    key = models.CharField(max_length=160, unique=True)
    title = models.CharField(max_length=120)
    body = models.TextField()
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["member_id", "-id"], name="gateways_inbox_by_member")]

    def __str__(self) -> str:
        return f"inbox {self.key}"


class ReadUpTo(models.Model):
    """How far a provider's stream (replies) has been taken in; moved on in the transaction that takes."""

    stream = models.CharField(max_length=40, unique=True)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.stream} {self.number}"


class PlatformLimit(models.Model):
    """A platform's limit from a day on. Platforms change them; a change is a new row, so the past stays explainable."""

    platform = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    value = models.PositiveIntegerField()
    effective_from = models.DateField()
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "name", "effective_from"], name="gateways_limit_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.name} = {self.value} from {self.effective_from}"
