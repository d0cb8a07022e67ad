"""What the service desk adds to tickets: who can do what and is there, tickets that belong together."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.core import clock


class DeskCard(models.Model):
    """How somebody works at the desk. Without a card: no skill, the brand's load, there.

    `away_until`: until then nothing is given to them, and what waits for words of theirs goes to others.
    """

    staff = models.OneToOneField("stores.Staff", on_delete=models.PROTECT, related_name="+")
    skills = ArrayField(models.CharField(max_length=30), default=list)
    load = models.PositiveSmallIntegerField(null=True)
    away_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.staff_id)


class Link(models.Model):
    """Two tickets that belong together; the elder stands first."""

    one = models.ForeignKey("tickets.Ticket", on_delete=models.PROTECT, related_name="+", db_index=False)
    other = models.ForeignKey("tickets.Ticket", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="tickets_link_once"),
            models.CheckConstraint(condition=Q(one__lte=F("other")), name="tickets_link_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} {self.other_id}"


class Amends(models.Model):
    """What a ticket was made good with, in points or a coupon: once only. `worth`: points, or 分 that the coupon saves at most."""

    ticket = models.OneToOneField("tickets.Ticket", on_delete=models.PROTECT, related_name="amends")
    kind = models.CharField(max_length=10)  # points, coupon
    worth = models.PositiveBigIntegerField()
    given_key = models.BigIntegerField()  # of the line of points, or of the coupon
    by = models.ForeignKey("stores.Staff", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["points", "coupon"]), name="tickets_amends_kind"),
            models.CheckConstraint(condition=Q(worth__gt=0), name="tickets_amends_worth"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind}"
