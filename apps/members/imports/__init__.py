"""Taking in files of members: read → stage → parse → decide → merge. The door is `run.run`; see `docs/import.md`."""
