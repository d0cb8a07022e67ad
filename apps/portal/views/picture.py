"""The member's profile picture: shown to them, chosen, taken away."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError, NotFound
from apps.core.files import answers
from apps.members import uploads
from apps.members.models import Upload
from apps.portal import sessions, shell
from apps.portal.views import me

SECONDS = 3600  # its address changes with the picture


@require_http_methods(["GET", "HEAD", "POST"])
def avatar(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    if request.method != "POST":
        content = uploads.avatar(member_id)
        if content is None:
            raise NotFound
        return answers.picture(content, name="picture.jpg", seconds=SECONDS)
    if "remove" in request.POST:
        uploads.use_as_avatar(member_id=member_id, upload_id=None)
        sessions.say(request, _("Your picture is gone."))
        return redirect("portal:profile")
    try:
        _take(request, member_id)
    except DomainError as refusal:
        facts = me.profile_facts(member_id) | {"errors": {"picture": str(refusal)}}
        return shell.page(request, "portal/profile.html", facts, at="me", status=refusal.status)
    sessions.say(request, _("Your picture is saved."))
    return redirect("portal:profile")


def _take(request: HttpRequest, member_id: int) -> None:
    """Raises what `uploads.take` does; an empty form sends an empty file, which is no picture."""
    file = request.FILES.get("picture")
    content = file.read() if file else b""
    taken = uploads.take(member_id=member_id, content=content, purpose=Upload.Purpose.AVATAR)
    uploads.use_as_avatar(member_id=member_id, upload_id=taken.id)
