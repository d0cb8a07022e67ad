"""The launcher. Standard library only and no Django: it runs before anything is installed."""
