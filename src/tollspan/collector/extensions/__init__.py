"""One module per component; the YAML key `extensions: x` is `x.py` here."""
