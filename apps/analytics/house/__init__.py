"""The house as head office runs it: months, targets, the scorecard, and what staff are paid."""
