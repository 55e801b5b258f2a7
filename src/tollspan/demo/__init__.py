"""A small real web shop under the SDK, with a gateway beside it and customers who use it."""
