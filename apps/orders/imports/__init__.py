"""Taking in files of orders: read → stage → check → merge. The door is `run.run`; what files may say stands in `docs/import.md`."""
