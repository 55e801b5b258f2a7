"""`tollspan run`: telemetry for a program that knows nothing of it."""
