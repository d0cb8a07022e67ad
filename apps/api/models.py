"""The request log of the API."""

from django.db import models


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

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="api_request_oldest"),
            models.Index(fields=["actor", "-id"], name="api_request_of_actor"),
            models.Index(fields=["request_id"], name="api_request_by_id"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.status}"
