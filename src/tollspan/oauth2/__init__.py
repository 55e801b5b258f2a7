"""OAuth2 decisions without I/O: what to ask, what an answer means, whether a token is good."""
