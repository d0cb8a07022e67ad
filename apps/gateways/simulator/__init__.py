"""A strict stand-in for the SMS platform: its own process, loopback only, standard library only."""
