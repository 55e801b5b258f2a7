-- As those of `spans`.
ALTER TABLE log_records
    ADD INDEX IF NOT EXISTS attributes_string_bloom
        arrayMap((key, value) -> cityHash64(key, value), mapKeys(attributes_string), mapValues(attributes_string))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS attributes_int_bloom
        arrayMap((key, value) -> cityHash64(key, value), mapKeys(attributes_int), mapValues(attributes_int))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS attributes_double_bloom
        arrayMap((key, value) -> cityHash64(key, value + 0), mapKeys(attributes_double), mapValues(attributes_double))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS attributes_bool_bloom
        arrayMap((key, value) -> cityHash64(key, value), mapKeys(attributes_bool), mapValues(attributes_bool))
        TYPE bloom_filter(0.01),
    ADD INDEX IF NOT EXISTS unit_bloom unit TYPE bloom_filter(0.01)
