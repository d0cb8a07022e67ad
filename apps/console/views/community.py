"""WeCom customers for the community manager: contacts, live codes, groups and their health, group sends."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.community import codes, group_codes, groups, handing, quality, quotas, selectors, sending, syncing, words
from apps.community.models import GroupCode, LiveCode, SyncRun
from apps.community.settings import WELCOME
from apps.console import asked, people
from apps.console.live_code_form import LiveCodeForm
from apps.core import brand, clock, ids, jobs
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.stores.models import Store


class WeComForm(forms.Form):
    welcome = forms.CharField(
        label=gettext_lazy("Welcome for customers who come without a code of their own"),
        help_text=gettext_lazy("Said once, within 20 seconds. Empty: none."),
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    span = forms.ChoiceField(
        label=gettext_lazy("Group sends that a customer may get"),
        help_text=gettext_lazy("As the company chose it in WeCom's back office."),
        choices=[
            ("month", gettext_lazy("as many as the month has days")),
            ("week", gettext_lazy("seven a week")),
            ("day", gettext_lazy("one a day")),
        ],
    )

    def clean_welcome(self) -> str:
        text = str(self.cleaned_data["welcome"])
        if word := words.found_in(text):
            raise forms.ValidationError(_("“%(word)s” is a word that the house does not say.") % {"word": word})
        return text


SHOWN = ("left", "unknown")
MANAGE = "community.manage"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    show, colleagues = asked.one_of(request, name="show", allowed=SHOWN), selectors.colleagues()
    userid = asked.one_of(request, name="colleague", allowed=dict(colleagues))
    before = asked.a_key(request, name="at") or selectors.FIRST
    found = selectors.contacts(userid=userid, show=show, before=before)
    kept = request.GET.copy()
    if len(found) > 50:
        kept["at"] = str(found[49]["follow_id"])
    chosen = [
        ("", pgettext("wecom", "Everybody"), not userid),
        *((value, name, value == userid) for value, name in colleagues),
    ]
    return render(
        request,
        "console/community.html",
        {
            "rows": found[:50],
            "show": show,
            "colleagues": chosen,
            "figures": selectors.figures(moment=clock.now()),
            "sync": SyncRun.objects.order_by("-pk").first(),
            "is_syncing": jobs.live(syncing.KIND),
            "older_url": f"?{kept.urlencode()}" if len(found) > 50 else "",
            "is_narrowed": bool(show or userid),
            "may_manage": _may_manage(request),
        },
    )


@require_POST
def sync(request: HttpRequest) -> HttpResponse:
    syncing.start(user_id=request.user.pk)
    messages.success(request, _("WeCom is being read in full. “Jobs” shows how far it is."))
    return redirect("console:community")


@require_POST
def hand_over(request: HttpRequest) -> HttpResponse:
    """All customers of somebody to a colleague; what waits for them goes along."""
    try:
        handing.start(
            from_userid=request.POST.get("from", ""),
            to_userid=request.POST.get("to", ""),
            has_left=request.POST.get("has_left") == "1",
            user_id=request.user.pk,
        )
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("The customers are being handed over. “Jobs” shows how far it is."))
    return redirect("console:community")


@require_safe
def live_codes(request: HttpRequest) -> HttpResponse:
    facts = {"rows": selectors.codes(moment=clock.now()), "may_manage": _may_manage(request)}
    return render(request, "console/live_codes.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def live_code(request: HttpRequest, live: str = "") -> HttpResponse:
    """A new one, or the plan of one that there is."""
    row = LiveCode.objects.filter(pk=ids.decode("lvc", live)).first() if live else None
    if live and row is None:
        raise NotFound
    form = LiveCodeForm(request.POST or None, colleagues=selectors.colleagues(), code=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = codes.change(code_id=row.pk, **form.plan()) if row else codes.create(**form.plan())
        except ValidationFailed as refusal:
            for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
                form.add_error(None, error["message"])
        else:
            if saved.trouble:
                messages.warning(request, _("Kept. WeCom was not told yet; the house tries again every minute."))
            else:
                messages.success(request, _("WeCom knows the plan of “%(name)s”.") % {"name": saved.name})
            return redirect("console:live_codes")
    facts = {"form": form, "row": row}
    return render(request, "console/live_code.html", facts, status=422 if form.errors else 200)


@require_safe
def group_list(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "console/wecom_groups.html",
        {
            "rows": selectors.groups(moment=clock.now()),
            "codes": GroupCode.objects.order_by("-pk"),
            "twice": groups.in_several(limit=50),
            "stores": Store.objects.filter(is_open=True).order_by("code"),
            "may_manage": _may_manage(request),
        },
    )


@require_POST
def group_code(request: HttpRequest) -> HttpResponse:
    """A code into the chosen groups."""
    chosen = [int(value) for value in request.POST.getlist("group") if value.isdecimal() and len(value) < 18]
    chats = [row.chat_id for row in groups.living(chosen)]
    try:
        made = group_codes.create(
            name=request.POST.get("name", ""), base_name=request.POST.get("base_name", ""), chats=chats
        )
    except ValidationFailed as refusal:
        for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
            messages.error(request, error["message"])
    else:
        messages.success(request, _("“%(name)s” is ready to print.") % {"name": made.name})
    return redirect("console:wecom_groups")


@require_safe
def group(request: HttpRequest, chat: str) -> HttpResponse:
    group_id = ids.decode("wcg", chat)
    found = selectors.groups(moment=clock.now(), group_id=group_id)
    if not found:
        raise NotFound
    facts = {
        "row": found[0], "days": groups.health(group_id), "gone": selectors.gone_from(group_id),
        "there": selectors.there_in(group_id), "talk": quality.talk_of(group_id),
    }  # fmt: skip
    return render(request, "console/wecom_group.html", facts)


@require_safe
def sends(request: HttpRequest) -> HttpResponse:
    facts = {"rows": selectors.sends(), "may_manage": _may_manage(request)}
    return render(request, "console/wecom_sends.html", facts)


@require_POST
def send_act(request: HttpRequest, send: str) -> HttpResponse:
    """`remind` the colleague now, or call it `off`."""
    do = request.POST.get("do", "")
    try:
        sending.by_hand(send_id=ids.decode("wsn", send), do=do, moment=clock.now())
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Called off.") if do == "off" else _("WeCom reminds them now."))
    return redirect("console:wecom_sends")


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """The brand's welcome, and which of WeCom's limits the company chose for group sends."""
    start = {"welcome": brand.read(WELCOME), "span": brand.read(quotas.SPAN)}
    form = WeComForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        brand.write(WELCOME, form.cleaned_data["welcome"])
        brand.write(quotas.SPAN, form.cleaned_data["span"])
        messages.success(request, _("Saved."))
        return redirect("console:community")
    limit = quotas.window(clock.local_date(clock.now()))
    return render(
        request, "console/wecom_rules.html", {"form": form, "limit": limit}, status=422 if form.errors else 200
    )


def _may_manage(request: HttpRequest) -> bool:
    return bool(request.access.can(MANAGE))  # type: ignore[attr-defined]
