-- The spans of one trace, in the columns that a waterfall needs.
SELECT
    span_id,
    parent_span_id,
    service,
    name,
    kind,
    status_code,
    toUnixTimestamp64Nano(start) AS start_unix_nano,
    greatest(duration, 0) AS duration,
    unit,
    toUInt32(length(events.name)) AS events
FROM spans
WHERE tenant = {tenant:String}
  AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
  AND start >= fromUnixTimestamp64Nano({start:Int64})
  AND start < fromUnixTimestamp64Nano({end:Int64})
  AND received >= toDateTime({received_from:UInt32})
  AND trace_id = unhex({trace_id:String})
  AND toStartOfFiveMinutes(start) IN {slots:Array(DateTime('UTC'))}
ORDER BY start, span_id
LIMIT {limit:UInt32}
-- No projection answers this, and finding that out takes its time.
SETTINGS optimize_use_projections = 0
