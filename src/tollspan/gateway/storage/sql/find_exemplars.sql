-- The newest measurements that are examples of a metric's points.
SELECT
    toUnixTimestamp64Nano(time) AS point_unix_nano,
    service,
    arraySlice(arraySort(exemplar -> -exemplar.1, arrayZip(
        `exemplars.time_unix_nano`,
        `exemplars.type`,
        `exemplars.number`,
        arrayMap(id -> lower(hex(id)), `exemplars.trace_id`),
        arrayMap(id -> lower(hex(id)), `exemplars.span_id`),
        `exemplars.attributes_string`,
        arrayMap(others -> mapApply((key, value) -> (key, hex(value)), others), `exemplars.attributes_other`)
    )), 1, 100) AS exemplars
FROM metric_points
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND name = {name:String}
  AND time >= fromUnixTimestamp64Nano({start:Int64})
  AND time < fromUnixTimestamp64Nano({end:Int64})
  AND received >= toDateTime({received_from:UInt32})
  AND service = {service:String} -- if service
  AND unit = {unit:String} -- if unit
  AND notEmpty(`exemplars.time_unix_nano`)
  AND $attributes
ORDER BY time DESC
LIMIT {limit:UInt32}
