"""The back office's door: staff only, five wrong passwords lock an account name for a while."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView as DjangoLoginView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from apps.core import audit, requests
from apps.core.models import User
from apps.stores import access

TRIES = 5
LOCK_SECONDS = 300


class StaffForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("Name and password do not fit together. Check both and try again."),
        "inactive": _("This account is switched off. Ask your administrator."),
    }

    def clean(self) -> dict:
        """Count wrong tries per name and address; a locked pair is refused before the password is looked at."""
        name = str(self.cleaned_data.get("username", ""))[:80]
        key = f"login:{name.lower()}:{self.request.META.get('REMOTE_ADDR', '')}" if self.request else f"login:{name}"
        if cache.get(key, 0) >= TRIES:
            raise ValidationError(_("Too many tries. Wait five minutes, then try again."), code="locked")
        try:
            return super().clean()
        except ValidationError:
            cache.add(key, 0, LOCK_SECONDS)
            cache.incr(key)
            raise

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not access.of_user(user).role:
            raise ValidationError(self.error_messages["inactive"], code="inactive")


class LoginView(DjangoLoginView):
    template_name = "console/login.html"
    authentication_form = StaffForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        requests.identify(f"user:{form.get_user().pk}")
        audit.record("session.opened", object_type="core_user", object_id=form.get_user().pk)
        return response

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and not access.of_user(request.user).role:
            self.redirect_authenticated_user = False  # a member's or disabled account sees the form, not a loop
        return super().dispatch(request, *args, **kwargs)
