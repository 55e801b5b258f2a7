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
  AND toStartOfFiveMinutes(start) IN (
    SELECT toStartOfFiveMinutes(start) AS slot
    FROM spans
    WHERE tenant = {tenant:String}
      AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
      AND trace_id = unhex({trace_id:String})
    GROUP BY slot
  )
ORDER BY start, span_id
LIMIT {limit:UInt32}
