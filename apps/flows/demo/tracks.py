"""A life track with some families on it, and cards that its steps and the stages show on the members' start page."""

from datetime import datetime, timedelta

from apps.care.cards import services as cards
from apps.care.journeys import ready
from apps.core import clock
from apps.core.errors import DomainError
from apps.members.models import Member
from apps.segments.tracks import services as tracks

FAMILIES = 40
STEPS = [
    {"key": "pregnant", "name": "孕期", "name_en": "Expecting", "months": -9, "days": 0},
    {"key": "infant", "name": "0–6 个月", "name_en": "0–6 months", "months": 0, "days": 0},
    {"key": "baby", "name": "6–12 个月", "name_en": "6–12 months", "months": 6, "days": 0},
    {"key": "toddler", "name": "1–3 岁", "name_en": "1–3 years", "months": 12, "days": 0},
]
CARDS = (
    ("新手爸妈：待产清单", "What to prepare", "孕期 · 待产清单", "Expecting: what to prepare",
     {"field": "track_step", "key": "baby", "op": "any_of", "value": ["pregnant"]}),
    ("辅食添加", "First solid food", "6–12 个月 · 辅食怎么加", "6–12 months: first solid food",
     {"field": "track_step", "key": "baby", "op": "any_of", "value": ["baby"]}),
    ("好久不见", "It has been a while", "新品已到店，积分仍可使用", "New things are in, and your points are still there",
     {"field": "stage", "op": "in", "value": ["lapsing", "dormant"]}),
)  # fmt: skip


def live(*, now: datetime) -> tuple[int, int]:
    """Returns how many families stand on the track, and how many cards are shown. The ready journey of a track waits as a draft."""
    with clock.frozen(now):
        track = tracks.create(
            key="baby", name="宝宝成长", name_en="Baby", anchor="预产期或生日", anchor_en="Due date or birthday", steps=STEPS,
            ends={"months": 36, "days": 0}, is_told=True,
        )  # fmt: skip
        parents = Member.objects.filter(attributes__has_children=True, status=Member.Status.ACTIVE).order_by("pk")
        placed = 0
        for n, member_id in enumerate(parents.values_list("pk", flat=True)[:FAMILIES]):
            day = clock.local_date(now) + timedelta(days=(n * 37) % 1_200 - 960)
            try:
                tracks.place(member_id=member_id, track_id=track.pk, anchor_on=day, source="staff", is_agreed=True)
            except DomainError:  # personalisation off, or a child without a guardian
                continue
            placed += 1
        for title, title_en, text, text_en, rule in CARDS:
            card = cards.save(
                card_id=None, audience=rule, slot="home", name=title, title=title, title_en=title_en, text=text, text_en=text_en,
                link="/my/mall/",
            )  # fmt: skip
            cards.show(card_id=card.pk)
        ready.take_over(key="track", language="zh-hans")
    return placed, len(CARDS)
