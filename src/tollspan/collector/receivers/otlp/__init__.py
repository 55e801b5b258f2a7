"""Receives OTLP.

    receivers:
      otlp:
        protocols:
          grpc:
            endpoint: localhost:4317
          http:
            endpoint: localhost:4318
            auth:
              authenticator: oidc
            max_request_body_size: 64MiB

Each protocol that is named is served. Over HTTP every signal has two paths, `/v1/traces`
and `/otlp/v1/traces`. With an
authenticator the caller must hold the permission `write:<signal>`; its tenant, and the
datasets it may write to, come from the credential alone. Where it may write to several,
the header X-Tollspan-Dataset (or X-Unomiq-App-Id, X-Axiom-Dataset,
X-Axiom-Metrics-Dataset) chooses.

A request is answered when the pipelines have taken it, not before.
"""
