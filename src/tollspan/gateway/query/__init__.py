"""Questions about stored telemetry, in the words of the domain. Every question is bound to one tenant."""
