-- The values of an attribute in some spans of the time, those of most spans first.
WITH multiIf(
    {column:String} = 'unit', unit,
    {column:String} = 'parent_unit', parent_unit,
    {column:String} = 'http_request_method', http_request_method,
    {column:String} = 'http_route', http_route,
    {column:String} = 'db_system_name', db_system_name,
    {column:String} = 'cost_currency', cost_currency,
    {column:String} = 'http_response_status_code' AND http_response_status_code != 0,
    toString(http_response_status_code),
    {column:String} = 'cost_amount_nano' AND cost_amount_nano != 0, toString(cost_amount_nano),
    mapContains(attributes_int, {key:String}), toString(attributes_int[{key:String}]),
    mapContains(attributes_double, {key:String}), toString(attributes_double[{key:String}]),
    mapContains(attributes_bool, {key:String}), toString(attributes_bool[{key:String}]),
    attributes_string[{key:String}]
) AS found
SELECT found AS value, count() AS spans
FROM
(
    SELECT found
    FROM spans
    WHERE tenant = {tenant:String}
      AND dataset IN {datasets:Array(String)} -- if datasets
      AND start >= fromUnixTimestamp64Nano({start:Int64})
      AND start < fromUnixTimestamp64Nano({end:Int64})
      AND toStartOfFiveMinutes(start) BETWEEN toDateTime({slot_first:UInt32}) AND toDateTime({slot_last:UInt32})
      AND received >= toDateTime({received_from:UInt32})
      AND found != ''
    LIMIT {sample:UInt32}
)
GROUP BY value
ORDER BY spans DESC, value
