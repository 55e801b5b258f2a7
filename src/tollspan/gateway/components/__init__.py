"""Thin: they let the collector start and stop the parts of the gateway."""
