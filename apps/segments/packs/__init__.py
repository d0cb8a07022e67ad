"""Audience packs: hashes of members' phones, open ids or addresses for advertising elsewhere; see `docs/segments.md`."""
