"""Long lists as pages show them: one statement per page, keyset cursors, the reader's stores in the WHERE."""
