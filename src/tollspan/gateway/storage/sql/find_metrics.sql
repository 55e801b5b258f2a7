-- The catalogue: one row for each metric, by name.
SELECT
    name,
    type,
    temporality,
    monotonic,
    metric_unit,
    argMax(description, time) AS latest_description,
    argMax(hex(metadata), time) AS latest_metadata,
    arraySort(groupUniqArray(100)(service)) AS services,
    count() AS points,
    uniq(series) AS timeseries,
    max(toUnixTimestamp64Nano(time)) AS latest
FROM metric_points
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND time >= fromUnixTimestamp64Nano({start:Int64})
  AND time < fromUnixTimestamp64Nano({end:Int64})
  AND received >= toDateTime({received_from:UInt32})
  AND service = {service:String} -- if service
  AND positionCaseInsensitiveUTF8(name, {text:String}) > 0 -- if text
GROUP BY name, type, temporality, monotonic, metric_unit
ORDER BY name, type, temporality, monotonic, metric_unit
LIMIT {limit:UInt32}
