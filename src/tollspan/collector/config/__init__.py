"""YAML to validated configuration."""
