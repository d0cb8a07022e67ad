"""Points, tiers, rewards. Each noun's tables stand in a file of their own."""

from apps.points.books import Account, Check, Currency, Entry, Fault, Hold, Lot, Use
from apps.points.earning import Achievement, Attainment, Award, EventMark, Payment, Rule, RuleVersion, SignIn
from apps.points.ladder import Benefit, Ladder, Standing, Tier, TierChange
from apps.points.opening_files import OpeningFile
from apps.points.shelf import Exchange, Reward, RewardPicture, StockChange, StoreStock
from apps.points.tallies import DayTotal, Outlook, StoreTally, Tally, TallyMark

__all__ = [
    "Account", "Achievement", "Attainment", "Award", "Benefit", "Check", "Currency", "DayTotal", "Entry", "EventMark", "Exchange",
    "Fault", "Hold", "Ladder", "Lot", "OpeningFile", "Outlook", "Payment", "Reward", "RewardPicture", "Rule", "RuleVersion", "SignIn",
    "Standing",
    "StockChange", "StoreStock", "StoreTally", "Tally", "TallyMark", "Tier", "TierChange", "Use",
]  # fmt: skip
