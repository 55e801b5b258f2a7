-- The traces with a span that is all that is asked for, those whose latest such span is newest first.
-- The conditions are asked one after the other (PREWHERE): to find a better order takes the engine longer.
SELECT
    lower(hex(trace_id)) AS id,
    max(toUnixTimestamp64Nano(start)) AS latest
FROM spans
PREWHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND start >= fromUnixTimestamp64Nano({start:Int64})
  AND start < fromUnixTimestamp64Nano({end:Int64})
  AND toStartOfFiveMinutes(start) BETWEEN toDateTime({slot_first:UInt32}) AND toDateTime({slot_last:UInt32})
  AND received >= toDateTime({received_from:UInt32})
  AND service = {service:String} -- if service
  AND unit = {unit:String} -- if unit
  -- One term, for the indexes of attributes (see attribute_conditions.py).
  AND if(
    true
    AND name = {name:String} -- if name
    AND parent_unit = {parent_unit:String} -- if parent_unit
    AND status_code = 2 -- if errors
    AND parent_span_id = toFixedString('', 8) -- if roots
    AND duration >= {duration_min:Int64} -- if duration_min
    , 1, 0
  )
  AND $attributes
  AND trace_id IN {trace_ids:Array(FixedString(16))} -- if trace_ids
GROUP BY trace_id
HAVING latest < {after:Int64} OR (latest = {after:Int64} AND id < {after_id:String}) -- if paged
ORDER BY latest DESC, id DESC
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
-- No projection answers this, and finding that out takes its time.
SETTINGS optimize_use_projections = 0
