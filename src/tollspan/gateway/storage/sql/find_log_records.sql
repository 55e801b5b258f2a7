-- Some log records, the newest first. What need not be text is in hexadecimal.
SELECT
    toUnixTimestamp64Nano(time) AS moment_unix_nano,
    time_unix_nano,
    observed_time_unix_nano,
    service,
    severity_number,
    severity_text,
    body_type,
    body_number,
    hex(body_text) AS body_text,
    event_name,
    lower(hex(trace_id)) AS trace_id,
    lower(hex(span_id)) AS span_id,
    flags,
    resource_id,
    instrumentation_scope_id,
    unit,
    parent_unit,
    attributes_string,
    attributes_int,
    attributes_double,
    attributes_bool,
    mapApply((key, value) -> (key, hex(value)), attributes_other) AS attributes_other,
    dropped_attributes
FROM log_records
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND time >= fromUnixTimestamp64Nano({start:Int64})
  AND time < fromUnixTimestamp64Nano({end:Int64})
  AND toStartOfFiveMinutes(time) BETWEEN toDateTime({slot_first:UInt32}) AND toDateTime({slot_last:UInt32})
  AND received >= toDateTime({received_from:UInt32})
  AND service = {service:String} -- if service
  AND unit = {unit:String} -- if unit
  AND trace_id = unhex({trace_id:String}) -- if trace_id
  -- One term, for the indexes of attributes (see attribute_conditions.py).
  AND if(
    true
    AND severity_number >= {severity_min:Int32} -- if severity_min
    AND span_id = unhex({span_id:String}) -- if span_id
    AND positionCaseInsensitiveUTF8(body_text, {text:String}) > 0 -- if text
    , 1, 0
  )
  AND $attributes
-- Records of one moment are always in the same order, so that a page can begin among them.
ORDER BY time DESC, cityHash64(service, span_id, body_type, body_number, body_text, mapSort(attributes_string))
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
