"""Lists from files: read → stage → name → find → move, all members at once. The door is `run.run`; see `docs/segments.md`."""
