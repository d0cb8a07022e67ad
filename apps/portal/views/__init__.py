"""One module per part of the member's pages."""
