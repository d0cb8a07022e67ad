"""The studies of analysts, a module for each page: what its charts draw, and the rows behind each box."""
