"""Work by the clock for the members' pages."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.core import runs


@shared_task(name="portal.purge_sessions")
def purge_sessions() -> None:
    """Sessions that are over, of staff too: they share the table."""
    with runs.recorded("portal.purge_sessions") as figures:
        figures["sessions"] = Session.objects.filter(expire_date__lt=timezone.now()).count()
        SessionStore.clear_expired()
