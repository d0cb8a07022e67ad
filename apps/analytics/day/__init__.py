"""A shop day of some stores: what it is measured by, the rows behind each figure, its people, its dates."""
