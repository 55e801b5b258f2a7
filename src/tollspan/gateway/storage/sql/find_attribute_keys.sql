-- How many spans have which keys together, and the bytes of their values by key; what comes most often
-- first.
SELECT
    mapKeys(attributes_string) AS string_keys,
    mapKeys(attributes_int) AS int_keys,
    mapKeys(attributes_double) AS double_keys,
    mapKeys(attributes_bool) AS bool_keys,
    mapKeys(attributes_other) AS other_keys,
    count() AS spans,
    sumForEach(getSubcolumn(mapValues(attributes_string), 'size')) AS string_bytes,
    sumForEach(getSubcolumn(mapValues(attributes_other), 'size')) AS other_bytes,
    countIf(unit != '') AS unit_spans,
    sum(length(unit)) AS unit_bytes,
    countIf(parent_unit != '') AS parent_unit_spans,
    sum(length(parent_unit)) AS parent_unit_bytes,
    countIf(http_request_method != '') AS http_request_method_spans,
    sum(length(http_request_method)) AS http_request_method_bytes,
    countIf(http_route != '') AS http_route_spans,
    sum(length(http_route)) AS http_route_bytes,
    countIf(db_system_name != '') AS db_system_name_spans,
    sum(length(db_system_name)) AS db_system_name_bytes,
    countIf(cost_currency != '') AS cost_currency_spans,
    sum(length(cost_currency)) AS cost_currency_bytes,
    countIf(http_response_status_code != 0) AS http_response_status_code_spans,
    countIf(cost_amount_nano != 0) AS cost_amount_nano_spans
FROM spans
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND toStartOfHour(start) >= toDateTime({from:UInt32})
  AND toStartOfHour(start) < toDateTime({until:UInt32})
GROUP BY string_keys, int_keys, double_keys, bool_keys, other_keys
ORDER BY spans DESC
LIMIT {limit:UInt32}
-- Otherwise the engine asks for a part of the maps, which is not what the projection has.
SETTINGS optimize_functions_to_subcolumns = 0
