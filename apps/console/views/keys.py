"""Keys of programs: list, issue (shown once), revoke."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console.key_form import KeyForm
from apps.core.errors import NotFound
from apps.stores import credentials
from apps.stores.models import Store


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    names = dict(Store.objects.values_list("pk", "name"))
    rows = [
        {
            "key": key,
            "public_id": credentials.public_id(kind=kind, credential_id=key.id),
            "store": names.get(key.store_id or 0, ""),
            "actor": f"{kind}:{key.id}",
        }
        for kind in credentials.KINDS
        for key in credentials.listed(kind)
    ]
    may_edit = request.access.can("keys.edit")  # type: ignore[attr-defined]
    return render(request, "console/keys.html", {"rows": rows, "may_edit": may_edit})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The secret stands in this one answer: in no session, message or log."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return render(request, "console/key_shown.html", {"issued": _issue(form), "name": form.cleaned_data["name"]})
    return render(request, "console/key_new.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def revoke(request: HttpRequest, credential: str) -> HttpResponse:
    kind, credential_id = credentials.named(credential)
    if not credentials.revoke(kind=kind, credential_id=credential_id):
        raise NotFound
    messages.success(request, _("Revoked. The next request with this key is refused."))
    return redirect("console:keys")


def _issue(form: KeyForm) -> credentials.Issued:
    given = form.cleaned_data
    wanted = {"name": given["name"], "scopes": given["scopes"], "is_sandbox": given["is_sandbox"]}
    if given["kind"] == "device":
        return credentials.issue_device(store_id=given["store"].pk, **wanted)
    return credentials.issue_client(**wanted)
