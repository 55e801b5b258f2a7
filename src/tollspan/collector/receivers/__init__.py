"""One module per component; the YAML key `receivers: x` is `x.py` here."""
