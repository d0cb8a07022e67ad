"""Pages of the back office, one module per subject. They parse, ask a selector or a service, and answer."""
