"""Part of `_decode`, for log records: nothing here is visible from Python."""
