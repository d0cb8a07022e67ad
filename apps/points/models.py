"""Points, tiers, rewards. Each noun's tables stand in a file of their own."""

from apps.points.books import Account, Check, Currency, Entry, Fault, Hold, Lot, Use
from apps.points.earning import Achievement, Attainment, Award, EventMark, Payment, Rule, RuleVersion, SignIn
from apps.points.ladder import Benefit, Ladder, Standing, Tier, TierChange
from apps.points.shelf import Exchange, Reward, StockChange, StoreStock

__all__ = [
<<<<<<< HEAD
    "Account", "Achievement", "Attainment", "Award", "Benefit", "Check", "Currency", "Entry", "Exchange", "Fault", "Hold",
    "Ladder", "Lot", "Reward", "Rule", "RuleVersion", "SignIn", "Standing", "StockChange",
    "StoreStock", "Tier", "TierChange", "Use",
=======
    "Account", "Achievement", "Attainment", "Award", "Benefit", "Check", "Currency", "Entry", "EventMark", "Exchange",
<<<<<<< HEAD
    "Fault", "Hold", "Ladder", "Lot", "Payment", "Reward", "Rule", "RuleVersion", "SignIn", "Standing", "StoreStock", "Tier", "TierChange", "Use",
>>>>>>> 86bd29c (Rules of earning as data: a closed grammar, reckoned per line, limits under the account's lock; refunds take back by line and return what was paid with points)
=======
    "Fault", "Hold", "Ladder", "Lot", "Payment", "Reward", "Rule", "RuleVersion", "SignIn", "Standing", "StoreStock",
    "Tier", "TierChange", "Use",
>>>>>>> b81a38e (Dry runs equal real runs; defaults; sign-ins, tasks, achievements)
]  # fmt: skip
