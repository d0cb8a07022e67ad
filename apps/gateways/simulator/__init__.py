"""Strict stand-ins for the SMS and WeChat platforms: their own process, loopback only, standard library only."""
