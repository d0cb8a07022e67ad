"""Staff and their log-ins."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import audit
from apps.core.errors import DomainError, NotFound
from apps.core.models import User
from apps.stores.models import Role, Staff, Store


class LoginTaken(DomainError):
    code = "login_taken"
    title = _("Another account has this log-in name. Choose another one.")


class WeakPassword(DomainError):
    """`reasons`: what the password rules say."""

    code = "password_weak"
    status = 422
    title = _("The password is too weak: %(reasons)s")


@transaction.atomic
def add(*, login: str, password: str, role: str, name: str, store_code: str = "") -> Staff:
    """A staff card with its log-in; the card's number is the log-in name. Raises LoginTaken, WeakPassword, NotFound (store)."""
    audit.sign()
    if User.objects.filter(username=login).exists() or Staff.objects.filter(code=login).exists():
        raise LoginTaken(login=login)
    try:
        validate_password(password, User(username=login))
    except ValidationError as refusal:
        raise WeakPassword(reasons=" ".join(refusal.messages)) from None
    store = Store.objects.filter(code=store_code).first() if store_code else None
    if store_code and store is None:
        raise NotFound(store=store_code)
    user = User.objects.create_user(login, password, is_staff=role == Role.ADMIN)
    region = store.region if store and role == Role.REGION_MANAGER else None
    return Staff.objects.create(user=user, code=login, name=name or login, role=role, store=store, region=region)
