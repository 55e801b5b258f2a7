"""Keeps or drops whole traces, after waiting for their spans.

    processors:
      tail_sampling:
        decision_wait: 10s
        policies:
          - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
          - {name: some, type: probabilistic, probabilistic: {sampling_percentage: 5}}

`decision_wait` after its first span, all policies are asked about a trace. It is dropped when
one says so, kept when one samples it. Spans that come later share the fate of their trace as
long as that is remembered. All spans of a trace must reach the same collector.

Waiting spans are in memory, within `num_traces` and `memory_limit_mib`. Where new ones find no
room, the oldest traces are decided early, or with `block_on_overflow` the batch is refused
until there is room. A crash loses what waits; a shutdown decides about it.
"""
