"""HTTP only: parse the question, ask `query`, write the answer."""
