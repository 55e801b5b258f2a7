"""OTTL, the OpenTelemetry Transformation Language: parsed once, run over the bytes of a request."""
