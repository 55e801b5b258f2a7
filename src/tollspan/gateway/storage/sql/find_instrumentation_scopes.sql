SELECT
    id,
    name,
    version,
    schema_url,
    attributes_string,
    attributes_int,
    attributes_double,
    attributes_bool,
    mapApply((key, value) -> (key, hex(value)), attributes_other) AS attributes_other,
    dropped_attributes
FROM instrumentation_scopes
WHERE tenant = {tenant:String}
  AND id IN {ids:Array(UInt64)}
LIMIT 1 BY id
