"""Tables for analysts, refreshed by the hour and read by pages: a view never counts orders."""
