"""What the demo's members ask most, answered beforehand."""

from apps.core import requests
from apps.tickets import articles
from apps.tickets.article_models import Article

_ARTICLES = (
    (
        "returns", "几天内可以退货或换货", "退换 不合适 尺码 七天 无理由",
        "收货后7天内可以退货，15天内可以换货，当天不算。商品未穿着、吊牌完好即可。在“订单”里选择商品申请，同意后按页面寄回。",
        "How long can I return or exchange?",
        "Within 7 days after you got it you can send it back, within 15 days exchange it, unworn and with its label. Choose the piece"
        " under Orders; once we agree, its page says how to send it.",
    ),
    (
        "returns", "退款后积分和优惠券怎么算", "扣积分 退券 等级 退款",
        "退款时，这部分消费得到的积分和成长值会收回，用积分抵扣的部分退回积分。整单退款时，用过的优惠券会退还。提交申请前可以先看到结果。",
        "What happens to points and coupons when money goes back?",
        "Points and growth of that part are taken back, points that paid for it return. A coupon comes back when the whole order is"
        " given back. You see all of it before you send the request.",
    ),
    (
        "care", "扣子掉了怎么办", "纽扣 缝 补扣 修",
        "带到任一门店，免费缝好，约15分钟。不方便到店的话，在申请里拍一张照片，我们寄同批次的扣子给您。",
        "A button came off",
        "Bring it to any store: it is sewn on for free in 15 minutes. Or send a photo with your request, and we send buttons of the"
        " same batch.",
    ),
    (
        "care", "羊绒和双面呢怎么洗", "洗涤 干洗 起球 保养 缩水",
        "羊绒衫可以用30度以下的水手洗，平铺晾干。双面呢大衣请干洗，一季一次就够。起球是正常现象，用去球梳轻轻梳掉。",
        "How do I wash cashmere and double-faced wool?",
        "Wash cashmere by hand below 30 °C and dry it flat. Double-faced coats go to the dry cleaner, once a season. Pilling is"
        " natural: comb it off gently.",
    ),
    (
        "points", "积分什么时候过期", "积分 有效期 年底 清零",
        "积分在得到的第二年年底到期，先到期的先用。“积分”页面写着下一次到期的数量和日期。",
        "When do points run out?",
        "At the end of the year after you got them; those that end first are used first. The page Points says how many go next, and"
        " when.",
    ),
)  # fmt: skip


def write() -> int:
    """Once: what is there stays. Returns how many."""
    if Article.objects.exists():
        return 0
    with requests.acting(actor="demo"):
        for topic, title, words, body, title_en, body_en in _ARTICLES:
            values = {
                "topic": topic, "title": title, "words": words, "body": body, "title_en": title_en, "body_en": body_en,
                "is_published": True,
            }  # fmt: skip
            articles.save(article_id=None, values=values, staff_id=None)
    return len(_ARTICLES)
