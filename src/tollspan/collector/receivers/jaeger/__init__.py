"""Receives spans from Jaeger's clients and agents.

    receivers:
      jaeger:
        protocols:
          grpc:
            endpoint: localhost:14250
          thrift_http:
            endpoint: localhost:14268

Each protocol that is named is served: `grpc` takes `jaeger.api_v2.CollectorService/PostSpans`,
`thrift_http` a batch in Thrift's binary protocol at `/api/traces`. A request is answered
when the pipelines have taken it.
"""
