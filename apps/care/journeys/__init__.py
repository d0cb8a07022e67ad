"""Journeys: a graph of steps that members walk, each at their own time. docs/journeys.md says what each step means."""
