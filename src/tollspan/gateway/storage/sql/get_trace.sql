-- The spans of one trace, in the columns that a waterfall needs.
-- The conditions are asked one after the other (PREWHERE): to find a better order takes the engine longer.
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
PREWHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND start >= fromUnixTimestamp64Nano({start:Int64}) -- if bounded
  AND start < fromUnixTimestamp64Nano({end:Int64}) -- if bounded
  AND trace_id = unhex({trace_id:String})
  AND toStartOfFiveMinutes(start) IN {slots:Array(DateTime('UTC'))}
ORDER BY start, span_id
LIMIT {limit:UInt32}
-- No projection answers this, and finding that out takes its time.
SETTINGS optimize_use_projections = 0
