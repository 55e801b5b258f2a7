"""Middlewares for manual control: a span and a log record for each request, where automatic ones are off."""
