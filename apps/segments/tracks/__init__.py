"""Life tracks: named tracks of dated steps that move a member by time alone. docs/tracks.md."""
