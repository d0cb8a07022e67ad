"""The back office's door: staff only, five wrong passwords lock an account name for a while."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView as DjangoLoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.console import second_step
from apps.core import ratelimits
from apps.core.models import User
from apps.core.ratelimits import Limit
from apps.stores import access, second_factor

TRIES = 5
LOCK_SECONDS = 300


class StaffForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("Name and password do not fit together. Check both and try again."),
        "inactive": _("This account is switched off. Ask your administrator."),
    }

    def clean(self) -> dict:
        """Count tries per name and address, before the password is looked at; the right one begins the count anew."""
        name = str(self.cleaned_data.get("username", ""))[:80].lower()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        limit = Limit("staff-login", ratelimits.subject_of(f"{name}:{address}"), TRIES, LOCK_SECONDS, closed=True)
        if ratelimits.ask([limit]).refusal:
            raise ValidationError(_("Too many tries. Wait five minutes, then try again."), code="locked")
        right = super().clean()
        ratelimits.clear(limit)
        return right

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not access.of_user(user).role:
            raise ValidationError(self.error_messages["inactive"], code="inactive")


class LoginView(DjangoLoginView):
    template_name = "console/login.html"
    authentication_form = StaffForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password is right. Who has a second factor is not in yet."""
        user, target = form.get_user(), self.get_success_url()
        if second_factor.is_on(user):
            second_step.begin(self.request, user=user, target=target)
            return HttpResponseRedirect(reverse("console:login_second"))
        return second_step.enter(self.request, user=user, target=target)

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated and not access.of_user(request.user).role:
            self.redirect_authenticated_user = False  # a member's or disabled account sees the form, not a loop
        return super().dispatch(request, *args, **kwargs)
