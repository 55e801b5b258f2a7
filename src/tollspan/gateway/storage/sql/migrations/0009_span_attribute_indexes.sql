-- Which parts of the table have an attribute with a value at all: filters of eight thousand rows each, over
-- hashes of the pairs in a map. A value that comes often costs next to nothing, one of its own about a
-- byte. Inserts leave them to the merges (see engine.py).
ALTER TABLE spans
    ADD INDEX IF NOT EXISTS attributes_string_bloom
        arrayMap((key, value) -> cityHash64(key, value), mapKeys(attributes_string), mapValues(attributes_string))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS attributes_int_bloom
        arrayMap((key, value) -> cityHash64(key, value), mapKeys(attributes_int), mapValues(attributes_int))
        TYPE bloom_filter(0.01),
    -- To add 0 makes one zero of the two.
    ADD INDEX IF NOT EXISTS attributes_double_bloom
        arrayMap((key, value) -> cityHash64(key, value + 0), mapKeys(attributes_double), mapValues(attributes_double))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS attributes_bool_bloom
        arrayMap((key, value) -> cityHash64(key, value), mapKeys(attributes_bool), mapValues(attributes_bool))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS unit_bloom unit TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS http_response_status_code_bloom http_response_status_code TYPE bloom_filter(0.01)
