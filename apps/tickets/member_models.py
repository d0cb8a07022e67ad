"""What members bring to a ticket besides words: pictures, and in the end their word on how it went."""

from django.db import models
from django.db.models import Q

from apps.core import clock


class Attachment(models.Model):
    """A picture that was sent with words. The file belongs to the member it is about, whoever sent it, and goes with them."""

    message = models.ForeignKey("tickets.Message", on_delete=models.PROTECT, related_name="pictures", db_index=False)
    upload = models.ForeignKey("members.Upload", on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "upload"], name="tickets_picture_once")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.upload_id}"


class Vote(models.Model):
    """How content the member was, 1 to 5: one vote for a ticket, however it is sent and how often."""

    ticket = models.OneToOneField("tickets.Ticket", on_delete=models.PROTECT, related_name="vote")
    score = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=500, blank=True)
    channel = models.CharField(max_length=20)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(score__gte=1, score__lte=5), name="tickets_vote_one_to_five")]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.score}"


class Posting(models.Model):
    """An e-mail of a ticket that has to go out: an answer of ours (`message`), or the link to vote. `source` makes it once."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENT = "sent", "sent"
        FAILED = "failed", "failed"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(
        "tickets.Message", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    source = models.CharField(max_length=60, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=60, blank=True)  # the mail server's last word
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(state="waiting"), name="tickets_posting_due")]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.source}"
