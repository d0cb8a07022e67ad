"""Tag groups and tags of the house: added, renamed, moved, merged, removed."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.care import selectors as care
from apps.core import ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.flows import tag_changes
from apps.members import tag_lists
from apps.members.models import MemberTag, Tag, TagGroup

TAG, GROUP = "tag", "tgr"
ASK_FOR = 100  # members: above it the name has to be written


class NotSure(DomainError):
    code = "confirmation_missing"
    status = 422
    title = gettext_lazy("Write the name of the tag to remove it.")


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """POST adds a group or a tag."""
    if request.method == "POST":
        name = request.POST.get("name", "")
        if request.POST.get("what") == "group":
            is_exclusive = "is_exclusive" in request.POST
            return _tried(request, lambda: _added(tag_lists.add_group(name=name, is_exclusive=is_exclusive), name))
        return _tried(request, lambda: _added(tag_lists.add_tag(name=name, group_id=_group_id(request)), name))
    groups = tag_lists.groups()
    facts = {
        "groups": groups,
        "named": [group for group, _tags in groups if group],
        "typed": request.GET.get("for", ""),
    }
    return render(request, "console/tags.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def tag(request: HttpRequest, tag: str) -> HttpResponse:
    """POST: change, merge or remove."""
    row = Tag.objects.select_related("group").filter(pk=ids.decode(TAG, tag)).first()
    if row is None:
        raise NotFound
    if request.method == "POST":
        return _tried(request, lambda: _changed(request, row), back=("console:tag", tag))
    others = Tag.objects.exclude(pk=row.pk).order_by("name")
    return render(
        request,
        "console/tag.html",
        {
            "tag": row,
            "members": MemberTag.objects.filter(tag=row).count(),
            "lasting": MemberTag.objects.filter(tag=row, expires_on__isnull=False).count(),
            "policies": care.policies_asking_for_tag(row.name),
            "groups": TagGroup.objects.order_by("name"),
            "others": others,
        },
    )


@require_POST
def group(request: HttpRequest, group: str) -> HttpResponse:
    """Rename, make exclusive or not, remove."""
    group_id = ids.decode(GROUP, group)

    def act() -> str:
        if request.POST.get("do") == "remove":
            tag_lists.remove_group(group_id=group_id)
            return _("The group is gone; its tags stay")
        tag_lists.change_group(
            group_id=group_id, name=request.POST.get("name", ""), is_exclusive="is_exclusive" in request.POST
        )
        return _("Changed “%(name)s”") % {"name": request.POST.get("name", "").strip()}

    return _tried(request, act)


def _changed(request: HttpRequest, row: Tag) -> str:
    what = request.POST.get("do")
    if what == "remove":
        if MemberTag.objects.filter(tag=row).count() > ASK_FOR and request.POST.get("sure", "").strip() != row.name:
            raise NotSure
        members = tag_changes.remove(tag_id=row.pk)
        return ngettext(
            "Removed “%(name)s” from %(count)s member", "Removed “%(name)s” from %(count)s members", members
        ) % {"name": row.name, "count": members}
    if what == "merge":
        into = Tag.objects.filter(pk=ids.decode(TAG, request.POST.get("into", ""))).first()
        if into is None:
            raise NotFound
        merged = tag_changes.merge(tag_id=row.pk, into_id=into.pk)
        return _("“%(name)s” is now “%(into)s”: %(moved)s members moved, %(dropped)s keep another tag of its group") % {
            "name": row.name, "into": into.name, "moved": merged.moved, "dropped": merged.dropped,
        }  # fmt: skip
    tag_changes.change(tag_id=row.pk, name=request.POST.get("name", ""), group_id=_group_id(request))
    return _("Changed “%(name)s”") % {"name": request.POST.get("name", "").strip()}


def _tried(request: HttpRequest, act: Callable[[], str], back: tuple[str, ...] = ("console:tags",)) -> HttpResponse:
    """Do it and say so; a refusal stands above the page in its own words."""
    try:
        messages.success(request, act())
    except NotFound:
        raise
    except ValidationFailed as refusal:
        messages.error(request, " ".join(error["message"] for error in refusal.facts["errors"]))  # type: ignore[attr-defined]
        return redirect(*back)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(*back)
    return redirect("console:tags")


def _added(_key: int, name: str) -> str:
    return _("Added “%(name)s”") % {"name": " ".join(name.split())}


def _group_id(request: HttpRequest) -> int | None:
    public = request.POST.get("group", "")
    return ids.decode(GROUP, public) if public else None
