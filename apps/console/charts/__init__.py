"""Charts made on the server: a frozen dataclass in, SVG and its table twin out. Shown by `{% chart %}`."""

from apps.console.charts.bars import BarsFromFirst, Day, DayBars, Part, Reason, ReasonBars, StackBar
from apps.console.charts.base import Cell, Chart, Colour, Link, Size, Table
from apps.console.charts.bubbles import Bubble, Bubbles
from apps.console.charts.curves import Calibration, Ranking, Said, Tenths
from apps.console.charts.flow import JOINED, Move, Stage, StageFlow
from apps.console.charts.forest import Comparison, ForestPlot
from apps.console.charts.line import Line, Point, Sparkline
from apps.console.charts.matrix import Box, Matrix

__all__ = [
    "JOINED",
    "BarsFromFirst",
    "Box",
    "Bubble",
    "Bubbles",
    "Calibration",
    "Cell",
    "Chart",
    "Colour",
    "Comparison",
    "Day",
    "DayBars",
    "ForestPlot",
    "Line",
    "Link",
    "Matrix",
    "Move",
    "Part",
    "Point",
    "Ranking",
    "Reason",
    "ReasonBars",
    "Said",
    "Size",
    "Sparkline",
    "StackBar",
    "Stage",
    "StageFlow",
    "Table",
    "Tenths",
]
