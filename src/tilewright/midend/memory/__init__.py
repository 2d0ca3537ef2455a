"""Which bytes are needed when, and where they lie."""
