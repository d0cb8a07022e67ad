"""Which coupon goes on which line so that the most is saved: exact, in whole numbers.

`assign` is the Hungarian method. `capped` is for when an order coupon takes what is left: then the sum is the lesser of two sums, and
the best choice for neither alone need be the best for the lesser. It bounds by weighing the two sums against each other (Lagrange) and
branches where the bound is above what was found, which baskets of shops hardly ever ask for. A basket can be built so that every choice
has to be looked at (it is a knapsack): after so much work the search stops, and `open_bound` says how great a sum may yet exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_WORK = (
    150_000  # rows × columns that are matched, of a whole quote: a second or two; baskets of shops hardly ever branch
)
Pair = tuple[int, int]  # row, column
Rows = Sequence[Sequence[int]]


def assign(weights: Rows) -> list[Pair]:
    """Pairs of the greatest total weight; each row and each column once at most. What weighs nothing or less is not used."""
    size = len(weights)
    if not size or not weights[0]:
        return []
    width = max(size, len(weights[0]))
    costs = [[0, *(-w if w > 0 else 0 for w in row), *[0] * (width - len(row))] for row in weights]
    of_column = [-1] * (width + 1)  # column 0 stands for the row that is being placed
    by_row, by_column = [0] * size, [0] * (width + 1)
    later = []
    for row, cost in enumerate(costs):  # each takes what is best for it while that is free
        column = cost.index(least := min(cost))
        if column and of_column[column] < 0:
            of_column[column], by_row[row] = row, least
        elif column:
            later.append(row)
    for row in later:
        _place(row, costs, of_column, by_row, by_column)
    return [(row, column - 1) for column, row in enumerate(of_column) if column and row >= 0 and costs[row][column]]


def _place(row: int, costs: list[list[int]], of_column: list[int], by_row: list[int], by_column: list[int]) -> None:
    """Put one more row in by the cheapest chain of moves, and keep the prices that prove it."""
    far = 1 << 200
    of_column[0] = row
    free = list(range(1, len(of_column)))
    least, back = [far] * len(of_column), [0] * len(of_column)
    taken: list[tuple[int, int]] = []  # column, how far away when it was reached
    column = distance = 0
    while of_column[column] >= 0:
        taken.append((column, distance))
        here = of_column[column]
        cost, base = costs[here], distance - by_row[here]
        nearest, following = far, 0
        for other in free:
            length = base + cost[other] - by_column[other]
            if length < least[other]:
                least[other], back[other] = length, column
            else:
                length = least[other]
            if length < nearest:
                nearest, following = length, other
        column, distance = following, nearest
        free.remove(column)
    for reached, at in taken:
        by_row[of_column[reached]] += distance - at
        by_column[reached] -= distance - at
    while column:
        of_column[column] = of_column[back[column]]
        column = back[column]


@dataclass
class Capped:
    """Find pairs with the greatest min(f, g), where `f` = `plus_f` + the weights and `g` = `plus_g` + the weights outside − what a pair
    inside costs in `price`. A weight is `saves` × `scale` − `price` of its column, + `bonus` for being used at all."""

    saves: Rows
    inside: Sequence[bool]  # by row
    price: Sequence[int]  # by column
    scale: int
    plus_f: int
    plus_g: int
    bonus: int = 0
    at_most: int = 0  # work
    value: int = 0  # the greatest found, at first what must be beaten
    pairs: list[Pair] | None = None
    work: int = field(default=0)
    open_bound: int = 0  # of what was left unseen; 0: nothing was

    def run(self) -> None:
        self._visit([], frozenset())

    def _worth(self, pair: Pair) -> Pair:
        row, column = pair
        lost = self.bonus - self.price[column]
        saved = self.saves[row][column] * self.scale
        return saved + lost, lost if self.inside[row] else saved + lost

    def _sums(self, pairs: Sequence[Pair]) -> Pair:
        worth = [self._worth(pair) for pair in pairs]
        return self.plus_f + sum(f for f, _ in worth), self.plus_g + sum(g for _, g in worth)

    def _keep(self, pairs: list[Pair], sums: Pair) -> None:
        if min(sums) > self.value:
            self.value, self.pairs = min(sums), pairs

    def _best(self, a: int, b: int, forced: list[Pair], banned: frozenset[Pair]) -> tuple[list[Pair], Pair]:
        """For a·f + b·g, with some pairs given and some forbidden."""
        rows, columns = {row for row, _ in forced}, {column for _, column in forced}
        weights = [[0] * len(self.price) for _ in self.saves]
        for row, saves in enumerate(self.saves):
            for column, saved in enumerate(saves):
                if saved and row not in rows and column not in columns and (row, column) not in banned:
                    f, g = self._worth((row, column))
                    weights[row][column] = a * f + b * g
        self.work += len(self.saves) * len(self.price)
        pairs = forced + assign(weights)
        sums = self._sums(pairs)
        self._keep(pairs, sums)
        return pairs, sums

    def _visit(self, forced: list[Pair], banned: frozenset[Pair]) -> None:
        first, (f1, g1) = self._best(1, 0, forced, banned)
        if f1 <= g1 or f1 <= self.value:
            return
        other, (f0, g0) = self._best(0, 1, forced, banned)
        if g0 <= f0 or g0 <= self.value:
            return
        while g0 > g1 and f1 > f0:
            a, b = g0 - g1, f1 - f0
            pairs, (f, g) = self._best(a, b, forced, banned)
            bound = (a * f + b * g) // (a + b)
            if bound <= self.value:
                return
            if a * f + b * g == a * f1 + b * g1:
                break
            if f > g:
                first, f1, g1 = pairs, f, g
            else:
                other, f0, g0 = pairs, f, g
        else:
            return
        open_pairs = set(first) ^ set(other)
        if not open_pairs:
            return
        if self.work >= self.at_most:
            self.open_bound = max(self.open_bound, bound)
            return
        chosen = max(open_pairs, key=lambda pair: (self.saves[pair[0]][pair[1]], pair))
        self._visit([*forced, chosen], banned)
        self._visit(forced, banned | {chosen})
