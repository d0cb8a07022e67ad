"""Keys of programs: list, issue (shown once), revoke."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.console.key_form import KeyForm
from apps.core import kept
from apps.core.errors import NotFound, ValidationFailed
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
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        kept.keep_secret(request, key=_issue(form).secret, name=form.cleaned_data["name"])
        return redirect("console:key_shown")
    return render(request, "console/key_new.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_GET
def shown(request: HttpRequest) -> HttpResponse:
    """The secret stands in this one answer; loaded anew, the page makes no second key and has nothing to show."""
    found = kept.take_secret(request)
    if found is None or "key" not in found:
        messages.info(request, _("A key is shown once. If it was not kept, revoke it and issue another."))
        return redirect("console:keys")
    return render(request, "console/key_shown.html", found)


@require_POST
def revoke(request: HttpRequest, credential: str) -> HttpResponse:
    kind, credential_id = credentials.named(credential)
    if not credentials.revoke(kind=kind, credential_id=credential_id):
        raise NotFound
    messages.success(request, _("Revoked. This key is refused within two seconds."))
    return redirect("console:keys")


@require_POST
def contact(request: HttpRequest, credential: str) -> HttpResponse:
    """Who hears of changes."""
    kind, client_id = credentials.named(credential)
    if kind != "client":
        raise NotFound
    try:
        credentials.set_contact(client_id=client_id, contact=request.POST.get("contact", "")[:254])
    except ValidationFailed as refusal:
        messages.error(request, str(refusal.facts["errors"][0]["message"]))  # type: ignore[index]
    else:
        messages.success(request, _("Saved."))
    return redirect("console:keys")


def _issue(form: KeyForm) -> credentials.Issued:
    given = form.cleaned_data
    wanted = {"name": given["name"], "scopes": given["scopes"], "is_sandbox": given["is_sandbox"]}
    if given["kind"] == "device":
        return credentials.issue_device(store_id=given["store"].pk, **wanted)
    return credentials.issue_client(**wanted, contact=given["contact"])
