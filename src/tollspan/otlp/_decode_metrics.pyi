"""Part of `_decode`, for data points: nothing here is visible from Python."""
