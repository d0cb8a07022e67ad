"""Computed traits and scores: figures of a member's orders and behaviour that a brand defines as data. docs/traits.md."""
