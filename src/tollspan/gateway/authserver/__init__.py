"""Who may do what: credentials, the token endpoint, signing keys, and checking what callers present."""
