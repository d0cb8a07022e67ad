"""The launcher: environment, embedded servers, supervisor. Standard library only, and no Django, so that it runs before anything is installed."""
