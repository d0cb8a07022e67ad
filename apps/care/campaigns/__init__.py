"""Campaigns: journeys with a date, made by a guided form; what they cost and what they brought back. docs/campaigns.md."""
