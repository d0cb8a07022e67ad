"""What members will probably do next: whether they still come, how often, for how much, and when something runs out at home.

`bgnbd`, `spend` and `lapse` are the models, `history` what they learn from, `backtest` how well they did where the answer is known.
`fitting` makes versions, `scoring` the rows of every member; both need scipy or scikit-learn and are imported by commands only, so
that no server carries them. `versions`, `keeping`, `selectors` and `reasons` are for everybody. Formulas: docs/predictions.md.
"""
