"""The history of the identity database's schema, applied when it is opened."""
