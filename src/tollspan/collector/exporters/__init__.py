"""One module per component; the YAML key `exporters: x` is `x.py` here."""
