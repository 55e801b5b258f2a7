"""Telemetry as it arrives, for whoever is watching."""
