-- What the attributes of spans take, by hour and by the keys that come together; like `red` it lies in
-- the parts. Attributes with a column of their own are counted there.
ALTER TABLE spans ADD PROJECTION IF NOT EXISTS attribute_keys
(
    SELECT
        tenant,
        dataset,
        toStartOfHour(start),
        mapKeys(attributes_string),
        mapKeys(attributes_int),
        mapKeys(attributes_double),
        mapKeys(attributes_bool),
        mapKeys(attributes_other),
        count(),
        sumForEach(getSubcolumn(mapValues(attributes_string), 'size')),
        sumForEach(getSubcolumn(mapValues(attributes_other), 'size')),
        countIf(unit != ''),
        sum(length(unit)),
        countIf(parent_unit != ''),
        sum(length(parent_unit)),
        countIf(http_request_method != ''),
        sum(length(http_request_method)),
        countIf(http_route != ''),
        sum(length(http_route)),
        countIf(db_system_name != ''),
        sum(length(db_system_name)),
        countIf(http_response_status_code != 0)
    GROUP BY
        tenant,
        dataset,
        toStartOfHour(start),
        mapKeys(attributes_string),
        mapKeys(attributes_int),
        mapKeys(attributes_double),
        mapKeys(attributes_bool),
        mapKeys(attributes_other)
)
