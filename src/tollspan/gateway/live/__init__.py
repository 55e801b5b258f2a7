"""Spans as they arrive, for whoever is watching."""
