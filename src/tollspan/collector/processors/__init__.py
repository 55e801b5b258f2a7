"""One module per component; the YAML key `processors: x` is `x.py` here."""
