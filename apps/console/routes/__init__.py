"""Routes of the back office by part of the house. What each asks for stands in config/access.yaml."""
