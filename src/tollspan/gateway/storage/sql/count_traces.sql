SELECT uniqExact(trace_id) AS traces
FROM spans
WHERE tenant = {tenant:String}
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
