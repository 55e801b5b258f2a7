"""The folder that `tollspan run` puts on PYTHONPATH."""
