"""Dates as people write them, where the framework's own forms differ."""
