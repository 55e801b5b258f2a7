-- The newest spans that may be found as callers (see calls.py).
SELECT tenant, dataset, lower(hex(trace_id)) || lower(hex(span_id)) AS caller, service
FROM spans
WHERE received >= toDateTime({since:UInt32})
  AND kind IN (3, 4)
ORDER BY received DESC
LIMIT {limit:UInt32}
