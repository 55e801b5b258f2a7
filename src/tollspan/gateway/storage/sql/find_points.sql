-- Some data points of a metric, the newest first. What need not be text is in hexadecimal.
SELECT
    name,
    description,
    hex(metadata) AS metadata,
    metric_unit,
    type,
    temporality,
    monotonic,
    toUnixTimestamp64Nano(time) AS time_unix_nano,
    start_unix_nano,
    flags,
    service,
    resource_id,
    instrumentation_scope_id,
    number_type,
    number,
    count,
    if(has_sum OR type = 11, sum, NULL) AS known_sum,
    if(has_min, min, NULL) AS known_min,
    if(has_max, max, NULL) AS known_max,
    bucket_counts,
    explicit_bounds,
    scale,
    zero_count,
    zero_threshold,
    positive_offset,
    positive_bucket_counts,
    negative_offset,
    negative_bucket_counts,
    quantiles.quantile,
    quantiles.value,
    unit,
    parent_unit,
    attributes_string,
    attributes_int,
    attributes_double,
    attributes_bool,
    mapApply((key, value) -> (key, hex(value)), attributes_other) AS attributes_other,
    arrayZip(
        exemplars.time_unix_nano,
        exemplars.type,
        exemplars.number,
        arrayMap(id -> lower(hex(id)), exemplars.trace_id),
        arrayMap(id -> lower(hex(id)), exemplars.span_id),
        exemplars.attributes_string,
        arrayMap(others -> mapApply((key, value) -> (key, hex(value)), others), exemplars.attributes_other)
    ) AS exemplars
FROM metric_points
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND name = {name:String}
  AND time >= fromUnixTimestamp64Nano({start:Int64})
  AND time < fromUnixTimestamp64Nano({end:Int64})
  AND received >= toDateTime({received_from:UInt32})
  AND service = {service:String} -- if service
  AND unit = {unit:String} -- if unit
-- Points of one moment are always in the same order, so that a page can begin among them.
ORDER BY metric_points.time DESC, series, request_digest, number, count, sum
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
