"""Charts draw exactly the figures they were given, twice: as marks and as a table."""

import itertools
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from apps.console import charts
from apps.console.charts import svg
from apps.console.templatetags.console import chart as chart_tag

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def drawn(chart: charts.Chart) -> ElementTree.Element:
    return ElementTree.fromstring(str(chart.svg()).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def texts(chart: charts.Chart) -> list[str]:
    return ["".join(node.itertext()) for node in drawn(chart).iter(f"{SVG}text")]


def figures(chart: charts.Chart) -> list[str]:
    return [cell.text for row in chart.table().rows for cell in row if cell.figure and cell.text]


def page(chart: charts.Chart) -> str:
    return render_to_string("console/_chart.html", chart_tag(chart))


def days(*values: int | None, previous: int | None = None, **more) -> charts.DayBars:
    found = tuple(charts.Day(label=f"d{n}", value=value, previous=previous) for n, value in enumerate(values))
    return charts.DayBars(key="days", title="Days", days=found, **more)


def flow(*, stages: dict[str, int] | None = None, moves: dict[tuple[str, str], int] | None = None) -> charts.StageFlow:
    return charts.StageFlow(
        key="flow",
        title="Flow",
        stages=tuple(
            charts.Stage(key=key, label=key.title(), count=count, net=-3) for key, count in (stages or {}).items()
        ),
        moves=tuple(
            charts.Move(source=source, target=target, label=f"{source}>{target}", count=count)
            for (source, target), count in (moves or {}).items()
        ),
    )


def forest(**values) -> charts.ForestPlot:
    row = charts.Comparison(label="Reminder", **values)
    return charts.ForestPlot(key="forest", title="Forest", comparisons=(row,))


def reasons(**values: int) -> charts.ReasonBars:
    return charts.ReasonBars(
        key="why", title="Why", reasons=tuple(charts.Reason(label=name, value=count) for name, count in values.items())
    )


ALL_KINDS = [
    flow(stages={"active": 5}, moves={("active", "lapsing"): 2}),
    forest(treated=0.1, holdout=0.07, diff=0.03, low=0.01, high=0.05),
    days(3, None, 7, previous=4),
    charts.StackBar(key="states", title="States", parts=(charts.Part(label="Sent", value=4),)),
    reasons(consent=4, quiet=1),
    charts.Line(key="line", title="Line", points=(charts.Point(label="a", value=3), charts.Point(label="b", value=9))),
    charts.Bubbles(
        key="bubbles", title="Bubbles", columns=("0–7", "8–14"), lines=("1", "2"), heads=("Days", "Orders", "Members"),
        bubbles=(charts.Bubble(x=0, y=0, count=16), charts.Bubble(x=1, y=1, count=4)),
    ),
]  # fmt: skip


def test_bars_stand_on_zero_and_grow_with_their_figure():
    bars = [node.get("d") for node in drawn(days(50, 100)).iter(f"{SVG}path") if node.get("class") == "f-lapsing"]
    feet = [float(re.search(r"V([\d.]+)Z", path)[1]) for path in bars]
    tops = [float(re.search(r"V([\d.]+)q", path)[1]) - 4 for path in bars]  # 4: the rounded shoulder
    assert feet == [172, 172]
    assert tops == [115, 58]


def test_the_area_of_a_bubble_is_as_large_as_its_count():
    """16 and 4: twice as wide; the second stands to the right and above."""
    chart = next(one for one in ALL_KINDS if isinstance(one, charts.Bubbles))
    circles = [node for node in drawn(chart).iter(f"{SVG}circle") if node.get("class") != "hit"]
    (x1, y1, r1), (x2, y2, r2) = ([float(node.get(name) or 0) for name in ("cx", "cy", "r")] for node in circles)
    assert (r1, r2) == (16, 8)
    assert x2 > x1
    assert y2 < y1


def test_sides_that_are_no_rates_say_their_own_figures():
    row = charts.Comparison(label="Store", texts=("¥10.00", "¥12.00"), diff=0.2, low=0.1, high=0.3)
    chart = charts.ForestPlot(
        key="change", title="Change", comparisons=(row,), sides=("Before", "After"), gap="Change, %"
    )
    assert {"¥10.00", "¥12.00", "Before", "After", "Change, %"} <= set(texts(chart))
    assert [cell.text for cell in chart.table().rows[0]] == ["Store", "¥10.00", "¥12.00", "+20.0", "+10.0", "+30.0"]
    assert len(chart.table().headers) == 6


def test_a_missing_day_is_a_gap_and_not_a_zero():
    chart = days(3, None, 7)
    bars = [node for node in drawn(chart).iter(f"{SVG}path") if node.get("class") == "f-lapsing"]
    assert len(bars) == 2
    assert chart.table().rows[1][1].text == ""
    assert 'aria-label="d1 no data"' in str(chart.svg())


def test_an_unfinished_day_is_hatched_and_says_so():
    chart = charts.DayBars(
        key="now", title="Now", partial_label="until 10:32", days=(charts.Day(label="Today", value=5, partial=True),)
    )
    marked = [node for node in drawn(chart).iter(f"{SVG}path") if node.get("fill") == "url(#now-hat)"]
    assert len(marked) == 1
    assert "until 10:32" in texts(chart)
    assert chart.table().rows[0][0].text == "Today (until 10:32)"


def test_last_week_is_a_black_tick_at_its_height():
    ticks = [node.get("d") for node in drawn(days(50, previous=100)).iter(f"{SVG}path") if node.get("class") == "tick"]
    assert [path for path in ticks if " 58h" in path]  # 100 is the highest figure


def test_parts_of_a_whole_keep_their_proportion():
    chart = charts.StackBar(
        key="s", title="S", parts=(charts.Part(label="a", value=300), charts.Part(label="b", value=42))
    )
    widths = [float(node.get("width")) for node in drawn(chart).iter(f"{SVG}rect") if node.get("height") == "22"]
    assert widths == [300, 42]  # 344 wide, 2 between them


def test_parts_too_small_to_see_are_two_pixels_and_the_bar_stays_full():
    small = tuple(charts.Part(label=name, value=1) for name in "bcd")
    chart = charts.StackBar(key="s", title="S", parts=(charts.Part(label="a", value=1_000), *small))
    widths = [float(node.get("width")) for node in drawn(chart).iter(f"{SVG}rect") if node.get("height") == "22"]
    assert widths == [332, 2, 2, 2]  # with three gaps of 2: 344


def test_the_description_reads_the_figures_out():
    story = next(drawn(reasons(consent=1_480, quiet=21)).iter(f"{SVG}desc")).text
    assert story == "consent 1,480; quiet 21"


def test_reason_bars_start_together_and_share_one_scale():
    bars = list(drawn(reasons(consent=100, quiet=50)).iter(f"{SVG}rect"))
    assert [node.get("x") for node in bars] == ["170.2", "170.2"]
    assert float(bars[0].get("width")) == pytest.approx(2 * float(bars[1].get("width")), abs=0.1)


def test_an_interval_that_includes_zero_is_hollow_and_dashed():
    sure = forest(treated=0.1, holdout=0.07, diff=0.03, low=0.01, high=0.05)
    doubt = forest(treated=0.1, holdout=0.07, diff=0.03, low=-0.01, high=0.07)
    assert {node.get("class") for node in drawn(sure).iter(f"{SVG}circle")} == {"iv"}
    assert {node.get("class") for node in drawn(doubt).iter(f"{SVG}circle")} == {"iv open"}


def test_the_zero_line_of_an_interval_stands_where_zero_is():
    chart = forest(treated=0.1, holdout=0.12, diff=-0.02, low=-0.04, high=0.0)
    zero = [node.get("d") for node in drawn(chart).iter(f"{SVG}path") if node.get("class") == "zero"]
    assert zero == ["M334 24V79"]
    assert [node.get("cx") for node in drawn(chart).iter(f"{SVG}circle")] == ["229"]


def test_without_enough_data_no_interval_is_drawn():
    chart = forest(treated=0.121, treated_members=88, holdout_members=9)
    assert not list(drawn(chart).iter(f"{SVG}circle"))
    assert "Not enough data" in texts(chart)
    assert [cell.text for cell in chart.table().rows[0]] == [
        "Reminder", "12.1%", "", "Not enough data", "", "", "88", "9",
    ]  # fmt: skip


def test_arrows_are_as_thick_as_their_number():
    chart = flow(
        stages={"active": 9}, moves={("active", "lapsing"): 400, ("lapsing", "active"): 100, ("dormant", "lost"): 0}
    )
    lines = {node.get("class"): node.get("stroke-width") for node in drawn(chart).iter(f"{SVG}path")}
    assert lines["ln s-lapsing"] == "20"
    assert lines["ln s-active"] == "5"
    assert lines["ln none"] is None


def test_a_move_without_a_place_is_counted_in_the_caption_and_stands_in_the_table():
    chart = flow(stages={"active": 9}, moves={("lost", "prospect"): 1_234})
    assert any("1,234 other moves are in the table." in text for text in texts(chart))
    assert chart.table().rows[-1][1].text == "1,234"


def test_a_line_breaks_at_missing_days():
    points = tuple(charts.Point(label=str(n), value=value) for n, value in enumerate((1, 2, None, 4, 5)))
    chart = charts.Line(key="l", title="L", points=points)
    assert len([node for node in drawn(chart).iter(f"{SVG}path") if node.get("class") == "line s-brand"]) == 2


@pytest.mark.parametrize("chart", ALL_KINDS, ids=lambda chart: type(chart).__name__)
def test_labels_and_links_cannot_break_out_of_the_markup(chart):
    evil = '"><script>alert(1)</script>'
    html = page(replace(chart, title=evil, note=evil, unit=evil))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_label_is_escaped_once():
    html = page(reasons(**{"Tom & <b>": 1}))
    assert "Tom &amp; &lt;b&gt;" in html
    assert "&amp;amp;" not in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    "chart",
    [days(198, 187, 82, previous=210), reasons(consent=148, quiet=21), ALL_KINDS[0], ALL_KINDS[1], ALL_KINDS[3]],
    ids=lambda chart: type(chart).__name__,
)
def test_the_table_shows_the_figures_of_the_picture_to_the_digit(chart):
    names = " ".join(node.get("aria-label", "") for node in drawn(chart).iter())
    seen = " ".join(texts(chart)) + " " + names
    for figure in figures(chart):
        if not figure.endswith("%") or isinstance(chart, charts.ForestPlot):
            assert figure in seen


@pytest.mark.parametrize(
    "chart",
    [
        flow(stages={"active": 0}),
        charts.ForestPlot(key="f", title="F", comparisons=()),
        days(0, None, 0),
        charts.StackBar(key="s", title="S", parts=()),
        reasons(a=0),
        charts.Line(key="l", title="L", points=()),
    ],
    ids=lambda chart: type(chart).__name__,
)
def test_nothing_to_draw_gives_the_empty_state(chart):
    html = page(chart)
    assert chart.is_empty
    assert "Nothing to draw yet" in html
    assert "<table" not in html


@pytest.mark.parametrize("figure", [1, 9_876_543, 10**12])
def test_one_figure_of_any_size_is_drawn_inside_the_frame(figure):
    for chart in (days(figure), reasons(a=figure), flow(stages={"new": figure}, moves={("new", "active"): figure})):
        assert f"{figure:,}" in " ".join(texts(chart))
        for node in drawn(chart).iter(f"{SVG}rect"):
            assert 0 <= float(node.get("x", 0)) + float(node.get("width")) <= chart.width + 8


def test_seven_digits_over_narrow_bars_leave_room_for_each_other():
    chart = days(*[1_000_000 + n for n in range(14)])
    spots = [
        (float(node.get("x")), svg.width_of(node.text))
        for node in drawn(chart).iter(f"{SVG}text")
        if node.get("class") == "v"
    ]
    assert spots[-1][1] == svg.width_of("1,000,013")  # the last day always speaks
    for (left, wide), (right, next_wide) in itertools.pairwise(spots):
        assert right - left >= (wide + next_wide) / 2


def test_long_words_wrap_inside_their_column():
    label = "Contacted by another policy within the last seven calendar days"
    lines = svg.wrap(label, width=158, size=13)
    assert " ".join(lines) == label
    assert all(svg.width_of(line, size=13) <= 158 for line in lines)


def test_a_word_longer_than_the_column_is_cut_and_not_lost():
    assert "".join(svg.wrap("x" * 90, width=100, size=13)) == "x" * 90
    assert "".join(svg.wrap("会员关怀政策" * 9, width=100, size=13)) == "会员关怀政策" * 9


@pytest.mark.parametrize(
    ("value", "shown"), [(0.031, "+3.1"), (-0.031, "−3.1"), (0.0, "0.0"), (-0.0004, "0.0"), (0.0006, "+0.1")]
)
def test_points_have_one_decimal_a_sign_and_no_minus_zero(value, shown):
    assert svg.points(value) == shown


@pytest.mark.parametrize(
    ("value", "chinese", "shown"),
    [
        (9_000, True, "9,000"),
        (12_000, True, "1.2万"),
        (12_000, False, "12k"),
        (2_500_000, False, "2.5M"),
        (0, True, "0"),
    ],
)
def test_only_the_axis_shortens_numbers(value, chinese, shown):
    assert svg.axis_number(value, chinese=chinese) == shown


def test_every_mark_is_reached_by_the_keyboard_and_says_itself():
    linked = replace(days(3), days=(charts.Day(label="Mon", value=3, href="/rows?day=1&x=2"),), unit="members")
    anchor = next(drawn(linked).iter(f"{SVG}a"))
    assert anchor.get("href") == "/rows?day=1&x=2"
    assert anchor.get("aria-label") == "Mon 3 members"
    group = next(node for node in drawn(days(3)).iter(f"{SVG}g"))
    assert (group.get("tabindex"), group.get("role")) == ("0", "img")


def test_no_mark_carries_an_inline_style():
    for chart in ALL_KINDS:
        assert "style=" not in page(chart)


def test_the_small_line_has_a_dot_at_its_last_known_day():
    line = charts.Sparkline(label="Sent", values=(1, 2, None))
    assert re.findall(r'<circle cx="([\d.]+)"', str(line.svg()))[-1] == "59.5"
    assert 'aria-label="Sent"' in str(charts.Sparkline(label="Sent", values=()).svg())
