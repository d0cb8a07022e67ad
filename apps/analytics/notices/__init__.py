"""What staff are told without asking: figures that go wrong, and the day before each morning."""
