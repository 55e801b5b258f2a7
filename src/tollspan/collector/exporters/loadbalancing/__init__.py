"""Sends every span of a trace to the same one of several collectors, so that those can sample whole traces.

    exporters:
      loadbalancing:
        routing_key: traceID
        protocol:
          otlp:
            tls: {insecure: true}
        resolver:
          static:
            hostnames: [gateway-0.gateway:4317, gateway-1.gateway:4317]

Each backend is an `otlp_grpc` exporter with a queue of its own: one that is down does not hold
up the others. Who gets a trace is told by a ring that otelcol's exporter of this name draws in
the same way, so both may send to the same backends.
"""
