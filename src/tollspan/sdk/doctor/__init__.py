"""`tollspan doctor`: looks for whatever keeps telemetry from arriving, and says cause and cure."""
