"""Files of rows that people bring: read in any encoding, staged as text, their rejected rows handed back with cures."""
