"""Part of `_decode`, for spans: nothing here is visible from Python."""
