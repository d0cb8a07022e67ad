"""Which contacts went before an order, and what of it each model gives to each: counted by `study.attribution`. Money in 分."""

from django.db import models


class Shares(models.Model):
    """The same money shared out five ways: in each, the shares of an order add up to what the member paid and kept."""

    last_cents = models.BigIntegerField()
    first_cents = models.BigIntegerField()
    linear_cents = models.BigIntegerField()
    decay_cents = models.BigIntegerField()
    position_cents = models.BigIntegerField()

    class Meta:
        abstract = True


class OrderCredit(Shares):
    """The `nth` contact before an order, the first is 1. `ref_id`: the policy, coupon template, stream, group or tracked code.

    `journey_id` 0: of no journey. An order without contacts has no row; neither has one of which nothing is left after refunds.
    """

    order_id = models.BigIntegerField()
    nth = models.PositiveSmallIntegerField()
    paid_at = models.DateTimeField()
    store_id = models.BigIntegerField()  # of the order, 0: none
    kind = models.CharField(max_length=8)  # "message", "coupon", "stream", "group", "code"
    channel = models.CharField(max_length=20, blank=True)
    ref_id = models.BigIntegerField()
    journey_id = models.BigIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order_id", "nth"], name="analytics_contact_once")]
        indexes = [
            models.Index(fields=["paid_at"], name="analytics_credits_when"),
            models.Index(fields=["kind", "channel", "paid_at"], name="analytics_credits_of_way"),
            models.Index(
                fields=["journey_id", "paid_at"], condition=models.Q(journey_id__gt=0), name="analytics_credits_of_walk"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} #{self.nth} {self.kind}"


class CreditDay(Shares):
    """These rows added up by the shop day on which orders were paid. `contacts`: rows, or with kind "" orders without one."""

    on = models.DateField()
    store_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    ref_id = models.BigIntegerField()
    journey_id = models.BigIntegerField(default=0)
    contacts = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["on", "store_id", "kind", "channel", "ref_id", "journey_id"], name="analytics_credit_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.kind} {self.ref_id}"
