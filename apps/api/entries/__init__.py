"""The entries of the catalogue of problems, by subject."""
