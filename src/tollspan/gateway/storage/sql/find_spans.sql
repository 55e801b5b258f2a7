-- Everything about some spans, the newest first. What need not be text is in hexadecimal.
SELECT
    lower(hex(trace_id)) AS trace_id,
    lower(hex(span_id)) AS span_id,
    lower(hex(parent_span_id)) AS parent_span_id,
    name,
    service,
    kind,
    status_code,
    status_message,
    toUnixTimestamp64Nano(start) AS start_unix_nano,
    duration AS duration_nano,
    trace_state,
    flags,
    resource_id,
    instrumentation_scope_id,
    unit,
    parent_unit,
    http_request_method,
    http_response_status_code,
    http_route,
    db_system_name,
    cost_currency,
    cost_amount_nano,
    attributes_string,
    attributes_int,
    attributes_double,
    attributes_bool,
    mapApply((key, value) -> (key, hex(value)), attributes_other) AS attributes_other,
    dropped_attributes,
    events.time_unix_nano,
    events.name,
    events.attributes_string,
    arrayMap(others -> mapApply((key, value) -> (key, hex(value)), others), events.attributes_other)
        AS `events.attributes_other`,
    events.dropped_attributes,
    dropped_events,
    arrayMap(id -> lower(hex(id)), links.trace_id) AS `links.trace_id`,
    arrayMap(id -> lower(hex(id)), links.span_id) AS `links.span_id`,
    links.trace_state,
    links.flags,
    links.attributes_string,
    arrayMap(others -> mapApply((key, value) -> (key, hex(value)), others), links.attributes_other)
        AS `links.attributes_other`,
    links.dropped_attributes,
    dropped_links
FROM spans
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND start >= fromUnixTimestamp64Nano({start:Int64}) -- if bounded
  AND start < fromUnixTimestamp64Nano({end:Int64}) -- if bounded
  AND toStartOfFiveMinutes(start) BETWEEN toDateTime({slot_first:UInt32}) AND toDateTime({slot_last:UInt32}) -- if bounded
  AND received >= toDateTime({received_from:UInt32}) -- if bounded
  AND trace_id = unhex({trace_id:String}) -- if trace_id
  AND toStartOfFiveMinutes(start) IN {slots:Array(DateTime('UTC'))} -- if slots
  AND span_id = unhex({span_id:String}) -- if span_id
ORDER BY start DESC, span_id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
-- No projection answers this, and finding that out takes its time.
SETTINGS optimize_use_projections = 0
