"""OTLP: bytes to columns and back, and the rules of the exchange. No I/O, no threads, no settings."""
