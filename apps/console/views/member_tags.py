"""Tags on members: on one page, on up to 200 chosen in the list, or on the whole list by job; each with a way back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.analytics.lists import members as listed
from apps.console import cards, people
from apps.console.views.members import PREFIX, wanted_of
from apps.core import ids, jobs
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.flows import tag_list
from apps.members import selectors as members
from apps.members import tagging
from apps.members.models import Member, MemberTag, Tag, TagAct

ACT = "act"
MOST_CHOSEN = 200
PERMISSION = "members.tag"


@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: HttpRequest, member: str) -> HttpResponse:
    """The tags of one member; POST gives or takes one. Answers the card alone."""
    row = people.one(request, member)
    facts: dict[str, object] = {}
    if request.method == "POST":
        try:
            facts["act"] = _one(request, row.pk)
        except ValidationFailed as refusal:
            facts["error"] = refusal.facts["errors"][0]["message"]  # type: ignore[index]
        except DomainError as refusal:
            facts["error"] = str(refusal)
    return render(
        request, "console/_member_tags.html", {"may_tag": True} | facts | cards.tags(row.pk) | {"public_id": member}
    )


@require_POST
def chosen(request: HttpRequest) -> HttpResponse:
    """Give or take one tag on the rows ticked in the list, or on the whole list by job."""
    tag = Tag.objects.filter(name=request.POST.get("tag", "")[:40]).first()
    what = "take" if request.POST.get("do") == "take" else "give"
    back = f"{reverse('console:members')}?{request.GET.urlencode()}"
    if tag is None:
        messages.error(request, _("Choose a tag first."))
        return redirect(back)
    try:
        tagging.check_last_day(tagging.a_day(request.POST.get("expires_on", "")))
    except ValidationFailed as refusal:
        people.complain(request, refusal)
        return redirect(back)
    if request.POST.get("scope") == "all":
        return _by_job(request, what=what, tag=tag)
    asked = list(dict.fromkeys(request.POST.getlist("member")))[: MOST_CHOSEN + 1]
    if not 1 <= len(asked) <= MOST_CHOSEN:
        messages.error(request, _("Tick between 1 and %(most)s members.") % {"most": MOST_CHOSEN})
        return redirect(back)
    reach = request.access.store_ids(PERMISSION)  # type: ignore[attr-defined]
    keys = [ids.decode(PREFIX, public) for public in asked]
    found = sorted(members.within(Member.objects.filter(pk__in=keys), reach).values_list("pk", flat=True))
    try:
        done = _changed(request, what=what, tag=tag, member_ids=found)
    except DomainError as refusal:
        people.complain(request, refusal)
        return redirect(back)
    messages.success(request, said(what, tag.name, done.members), extra_tags=_undo_url(done.act_id))
    return redirect(back)


@require_POST
def undo(request: HttpRequest, act: str) -> HttpResponse:
    """Whoever did it takes it back."""
    act_id = ids.decode(ACT, act)
    if not TagAct.objects.filter(pk=act_id, actor=f"user:{request.user.pk}").exists():
        raise NotFound
    try:
        count = tagging.undo(act_id=act_id)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        text = ngettext("Undone on %(count)s member", "Undone on %(count)s members", count) % {"count": count}
        messages.success(request, text)
    public = request.GET.get("member", "")
    if public:
        return redirect("console:member", ids.encode(PREFIX, ids.decode(PREFIX, public)))
    return redirect("console:members")


def _changed(request: HttpRequest, *, what: str, tag: Tag, member_ids: list[int]) -> tagging.Changed:
    if what == "take":
        return tagging.take(member_ids=member_ids, tag_ids=[tag.pk])
    last = tagging.a_day(request.POST.get("expires_on", ""))
    return tagging.give(member_ids=member_ids, tag_ids=[tag.pk], source=MemberTag.Source.MANUAL, expires_on=last)


def said(what: str, name: str, count: int) -> str:
    if what == "give":
        text = ngettext("%(count)s member has “%(tag)s” now", "%(count)s members have “%(tag)s” now", count)
    else:
        text = ngettext("Took “%(tag)s” from %(count)s member", "Took “%(tag)s” from %(count)s members", count)
    return text % {"count": count, "tag": name}


def _one(request: HttpRequest, member_id: int) -> str:
    """Returns the public id of what can be undone."""
    name = request.POST.get("tag", "")
    if request.POST.get("do") == "take":
        tag = Tag.objects.filter(name=name).first()
        if tag is None:
            raise NotFound
        return ids.encode(ACT, tagging.take(member_ids=[member_id], tag_ids=[tag.pk]).act_id)
    [clean] = tagging.clean_names([name]) or [""]
    if not clean:
        sentence = _("Choose a tag, or write a new one.")
        raise ValidationFailed(errors=[{"pointer": "/tag", "code": "required", "message": sentence}])
    done = tagging.give(
        member_ids=[member_id],
        tag_ids=[tagging.known_tags([clean])[clean]],
        source=MemberTag.Source.MANUAL,
        expires_on=tagging.a_day(request.POST.get("expires_on", "")),
    )
    return ids.encode(ACT, done.act_id)


def _by_job(request: HttpRequest, *, what: str, tag: Tag) -> HttpResponse:
    wanted = wanted_of(request)
    about = listed.about(wanted=wanted)
    last = tagging.a_day(request.POST.get("expires_on", ""))
    params = {"what": what, "tag_id": tag.pk, "tag": tag.name, "wanted": wanted.params(), "about": about}
    params["expires_on"] = last.isoformat() if last else ""
    job = jobs.start(kind=tag_list.KIND, params=params, user_id=request.user.pk)
    return redirect("console:work", jobs.public_id(job))


def _undo_url(act_id: int) -> str:
    return reverse("console:tags_undo", args=[ids.encode(ACT, act_id)])
