"""The gateway: a collector distribution with a store, a token endpoint, queries and a dashboard."""
