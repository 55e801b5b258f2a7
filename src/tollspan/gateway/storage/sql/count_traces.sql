SELECT uniqExact(trace_id) AS traces
FROM spans
WHERE tenant = {tenant:String}
  AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
  AND start >= fromUnixTimestamp64Nano({start:Int64})
  AND start < fromUnixTimestamp64Nano({end:Int64})
  AND toStartOfFiveMinutes(start) BETWEEN toDateTime({slot_first:UInt32}) AND toDateTime({slot_last:UInt32})
  AND received >= toDateTime({received_from:UInt32})
  AND ({service:String} = '' OR service = {service:String})
  AND ({unit:String} = '' OR unit = {unit:String})
  -- One term, for the indexes of attributes (see attribute_conditions.py).
  AND if(
    ({name:String} = '' OR name = {name:String})
    AND ({parent_unit:String} = '' OR parent_unit = {parent_unit:String})
    AND ({errors:UInt8} = 0 OR status_code = 2)
    AND ({roots:UInt8} = 0 OR parent_span_id = toFixedString('', 8))
    AND ({duration_min:Int64} = 0 OR duration >= {duration_min:Int64}),
    1, 0
  )
  AND $attributes
