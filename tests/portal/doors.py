"""A browser in which a member has logged in, without the walk through the form."""

from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from apps.core import tokens
from apps.core.models import User
from apps.members.models import Member
from apps.portal import sessions


def browser_of(member_id: int, *, label: str = "iPhone · WeChat") -> Client:
    member = Member.objects.get(pk=member_id)
    if member.user_id is None:
        member.user = User.objects.create_user(f"member-{member_id}")
        member.save(update_fields=["user"])
    client = Client(raise_request_exception=False)
    store = SessionStore()
    store[sessions.FAMILY] = tokens.open_family(user_id=member.user_id, client="portal", label=label).family_id
    store.set_expiry(sessions.LIFE)
    store.save()
    client.cookies[sessions.COOKIE] = store.session_key
    return client


def family_of(client: Client) -> int:
    return SessionStore(client.cookies[sessions.COOKIE].value)[sessions.FAMILY]
