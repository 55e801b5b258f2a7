"""Part of `_decode`, for items, attributes and values: nothing here is visible from Python."""
