-- The newest spans that were called and did not complete the call themselves (see calls.py).
SELECT tenant, dataset, lower(hex(trace_id)) || lower(hex(parent_span_id)) AS caller, service
FROM spans
WHERE received >= toDateTime({since:UInt32})
  AND kind IN (2, 5)
  AND parent_span_id != toFixedString('', 8)
  AND empty(calls.caller)
ORDER BY received DESC
LIMIT {limit:UInt32}
