"""Measurements: CPU per item, ours beside its peers, in turn, several times over."""
