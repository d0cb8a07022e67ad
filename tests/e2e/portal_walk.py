"""How a member goes through their pages, and what a walker looks at on each: sizes, words, focus."""

import re
from datetime import timedelta

from apps.core import ids
from apps.coupons.models import Coupon
from apps.gateways import inbox
from apps.gateways.simulator.client import Client
from apps.points import stocking
from apps.points.models import Exchange, Reward
from apps.tickets import services as tickets
from apps.tickets import votes
from apps.tickets.models import Ticket
from apps.tickets.services import Actor, NewTicket
from tests.console.world import House
from tests.coupons import making
from tests.e2e.visits import Visit
from tests.points.gifts import gift, rich, take
from tests.processes import Simulator

PHONE = "19900000001"  # of the member "mine"
WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    " MicroMessenger/8.0.54 NetType/WIFI Language/zh_CN"
)


def code_for(simulator: Simulator, phone: str) -> str:
    """The six digits of the last message to that phone."""
    last = Client(simulator.url).messages(limit=1, tail=phone[-4:], newest=True)[0]
    found = re.search(r"\d{6}", last["text"])
    assert found, last
    return found.group()


def log_in(found: Visit, simulator: Simulator, *, phone: str = PHONE, path: str = "/my/") -> None:
    page = found.page
    found.go(path)
    page.fill("#phone", phone)
    page.check("[name=agree]")
    page.click("form button.wide")
    page.fill("#code", code_for(simulator, phone))
    with page.expect_navigation():
        page.locator("form button.wide").first.click()
    come_back = page.locator("[name=come_back]")
    if come_back.count():
        found.troubles.clear()  # a 403 says "you are leaving"
        page.click("form button.wide")
    page.wait_for_url(lambda address: "/login/" not in address)


def letter_of(house: House) -> str:
    letter = inbox.find_for_member(member_id=house.members["mine"].pk).first()
    assert letter
    return f"/my/inbox/{ids.encode('msg', letter.pk)}/"


def mall_of(house: House) -> dict[str, str]:
    """The mall with a gift within reach, one of a store, one too dear; one exchange that waits in the store."""
    member = house.members["mine"]
    if not Reward.objects.exists():
        rich(member, 500)
        scarf = gift("scarf", motif="scarf", name="羊绒围巾", name_en="Shawl", points=12_000, cash_cents=9900)
        gift("tea", motif="tea", name="桂花乌龙茶一罐", name_en="Oolong", points=120, left=6)
        local = gift("bag", motif="bag", name="帆布袋", name_en="Tote", points=80, is_store_limited=True)
        stocking.change_stock(reward_id=local.pk, store_id=house.stores["mine"].pk, change=8, reason="delivery")
        gift(
            "soon",
            motif="book",
            name="手账本",
            name_en="Notebook",
            points=60,
            starts_at=scarf.created_at + timedelta(days=9),
        )
        take(member, Reward.objects.get(key="tea"), "walk")
    reward = {row.key: ids.encode("rwd", row.pk) for row in Reward.objects.all()}
    exchange = ids.encode("exg", Exchange.objects.get(source="walk").pk)
    store = ids.encode("sto", house.stores["mine"].pk)
    return {
        "mall": "/my/mall/",
        "reward": f"/my/mall/{reward['bag']}/",
        "reward-not-yet": f"/my/mall/{reward['scarf']}/",
        "reward-confirm": f"/my/mall/{reward['bag']}/confirm/?store={store}",
        "exchanges": "/my/exchanges/",
        "exchange": f"/my/exchanges/{exchange}/",
        "exchange-cancel": f"/my/exchanges/{exchange}/cancel/",
    }


def ticket_pages(house: House) -> dict[str, str]:
    """Two requests of the member, one done and to be rated; a new one about an order and about none."""
    member = house.members["mine"]
    for source in ("walk:open", "walk:done"):
        asked = NewTicket(source=source, member_id=member.pk, kind="question", title="mine", text="mine")
        made = tickets.open_ticket(asked, by=Actor("member"))
        if source == "walk:done" and made.state == "new":
            tickets.say(ticket_id=made.pk, by=Actor("agent"), text="ok", source="walk", move="resolve")
    done, waits = (ids.encode("tkt", Ticket.objects.get(source=f"walk:{name}").pk) for name in ("done", "open"))
    return {
        "tickets": "/my/tickets/",
        "ticket": f"/my/tickets/{waits}/",
        "ticket-done": f"/my/tickets/{done}/",
        "ticket-about": "/my/tickets/new/",
        "ticket-new": f"/my/tickets/new/?order={house.order_id('mine')}",
        "ticket-vote": f"/my/tickets/vote/{votes.token(ids.decode('tkt', done))}/",
    }


def coupon_pages(house: House) -> dict[str, str]:
    """The wallet with six coupons, the centre, the code with the first of them chosen, and where it counts."""
    member = house.members["mine"]
    if not Coupon.objects.filter(member=member).exists():
        for number in range(6):
            making.coupon(making.template(f"walk{number}", is_in_centre=True, most=9), member)
    first = ids.encode("cpn", Coupon.objects.filter(member=member).order_by("pk").values_list("pk", flat=True)[0])
    return {
        "coupons": "/my/coupons/",
        "coupon-centre": "/my/coupons/centre/",
        "code": f"/my/code/?coupon={first}",
        "coupon-stores": f"/my/coupons/{first}/stores/",
    }


def every_page(house: House) -> dict[str, str]:
    """Name for the picture → address, within five minutes of a log-in."""
    return {
        "home": "/my/",
        "inbox": "/my/inbox/",
        "letter": letter_of(house),
        "orders": "/my/orders/",
        "orders-none": "/my/orders/?kind=done",
        "order": f"/my/orders/{house.order_id('mine')}/",
        **mall_of(house),
        **ticket_pages(house),
        "points": "/my/points/",
        "tier": "/my/tier/",
        "sign-in": "/my/sign-in/",
        "tasks": "/my/tasks/",
        "me": "/my/me/",
        "profile": "/my/me/profile/",
        "phone": "/my/me/phone/",
        "sessions": "/my/me/sessions/",
        "privacy": "/my/privacy/",
        "held": "/my/privacy/held/",
        "export": "/my/privacy/export/",
        "erase": "/my/privacy/erase/",
        "policy": "/my/privacy/policy/",
        "partners": "/my/privacy/partners/",
        "step-up": "/my/step-up/",
        "welcome": "/my/welcome/",
        "offline": "/my/offline/",
        "lost": "/my/nowhere/",
    }


def visit(found: Visit, path: str) -> None:
    """Go there; that a page which is not there answers 404 is no trouble."""
    found.go(path)
    if "/nowhere/" in path:
        found.troubles = [line for line in found.troubles if "404" not in line]


def small_targets(found: Visit) -> list[str]:
    """What a thumb would miss: anything to press that is lower or narrower than 44 px and stands by itself (X4)."""
    return found.page.evaluate("""() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select")]
        .filter((part) => part.checkVisibility() && !part.closest("p a, .sr"))
        .map((part) => [part, (part.matches("label input") ? part.closest("label") : part).getBoundingClientRect()])
        .filter(([part, box]) => box.height < 43.5 || box.width < 43.5)
        .map(([part, box]) => part.outerHTML.slice(0, 80) + ` ${box.width}x${box.height}`)""")


def crowded_targets(found: Visit) -> list[str]:
    """Two things to press whose middles lie less than 52 px apart: a thumb's 44 and the 8 between (X4)."""
    return found.page.evaluate("""() => {
        const parts = [...document.querySelectorAll("a, button, input:not([type=hidden]), select")]
            .filter((part) => part.checkVisibility() && !part.closest("p a, .sr"))
            .map((part) => part.matches("label input") ? part.closest("label") : part);
        const middles = parts.map((part) => [part, part.getBoundingClientRect()])
            .map(([part, box]) => [part, box.x + box.width / 2, box.y + box.height / 2]);
        const close = [];
        middles.forEach(([one, x, y], index) => middles.slice(index + 1).forEach(([other, left, top]) => {
            if (one.contains(other) || other.contains(one) || getComputedStyle(other).position === "fixed") return;
            if (one.closest(".p-nav") || other.closest(".p-nav, .p-toast") || one.closest(".p-toast")) return;
            if (Math.hypot(x - left, y - top) < 51.5) close.push(one.outerHTML.slice(0, 60) + " / " + other.outerHTML.slice(0, 60));
        }));
        return close }""")


def wrong_language(found: Visit, language: str) -> list[str]:
    """Latin words on a Chinese page, Han on an English one; names, numbers and the other language's own button aside."""
    text = found.page.evaluate("""() => { const copy = document.body.cloneNode(true);
        copy.querySelectorAll("[lang], noscript, .num, .p-no, code, script, style, h3, .p-letter, .p-tier, .p-brand, .p-ribbon, h1, dd")
            .forEach((part) => part.remove());
        return copy.textContent }""")
    pattern = r"[A-Za-z]{3,}(?: [A-Za-z]{2,})+" if language == "zh-hans" else r"[\u4e00-\u9fff]{2,}"
    known = {"武康路店", "何青"}
    return [word for word in re.findall(pattern, text) if word not in known]


def spilled(found: Visit) -> list[str]:
    """What does not fit at the present size: a page wider than the screen, or a text cut off by its own box (X5, X11)."""
    return found.page.evaluate("""() => {
        const wide = document.documentElement.scrollWidth, seen = [];
        if (wide > innerWidth) seen.push(`page ${wide} of ${innerWidth}`);
        for (const part of document.querySelectorAll("body *")) {
            if (!part.checkVisibility() || part.closest("svg, .sr, .c-scroll, select, input")) continue;
            const hides = ["hidden", "clip"].includes(getComputedStyle(part).overflowX);
            const holds = [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!hides && !holds) continue;
            if (getComputedStyle(part).display === "inline") continue;
            if (hides && !holds && part.matches(".p-card")) continue; // cuts its own ripple
            if (part.scrollWidth > part.clientWidth + 1) seen.push("cut: " + part.outerHTML.slice(0, 90));
        }
        return seen }""")


def stretch(found: Visit) -> None:
    """Every text two fifths longer, as a language with long words would be (X5)."""
    found.page.evaluate("""() => {
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
        while (walk.nextNode()) texts.push(walk.currentNode);
        for (const node of texts) {
            const word = node.data.trim();
            if (!/\\p{L}{2}/u.test(word) || node.parentElement.closest("script, style, svg, .num, .p-no, .p-brand")) continue;
            node.data = node.data.trimEnd() + word.slice(0, Math.ceil(word.length * 0.4));
        } }""")


def enlarge(found: Visit, share: float) -> None:
    """The text as large as WeChat's largest is (X11); 1 is ours."""
    found.page.evaluate("(size) => { document.documentElement.style.fontSize = size }", f"{share * 100:.0f}%")


def hidden_focus(found: Visit) -> list[str]:
    """Tab through the whole page: what has the focus and cannot be seen, since something lies over it (2.4.11)."""
    page, hidden = found.page, []
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    for _ in range(80):
        page.keyboard.press("Tab")
        told = page.evaluate("""() => { const part = document.activeElement;
            if (!part || part === document.body) return null;
            const box = part.getBoundingClientRect(), shown = [];
            for (const [left, top] of [[.5, .5], [.2, .2], [.8, .8], [.2, .8], [.8, .2]]) {
                const at = document.elementFromPoint(box.x + box.width * left, box.y + box.height * top);
                if (at && (part.contains(at) || at.contains(part) || at.closest("label")?.contains(part))) shown.push(at);
            }
            return { is_seen: shown.length > 0, html: part.outerHTML.slice(0, 90) } }""")
        if told is None:
            break
        if not told["is_seen"]:
            hidden.append(told["html"])
    return hidden
