-- What lists and overviews read in the place of spans. Like `red` they lie in the parts of `spans`, so they
-- hold exactly what those hold; they are not made while spans are written but soon after (upkeep.py).
ALTER TABLE spans
    -- Taken out of the attributes like `unit`. The spans of older parts have it in the maps.
    ADD COLUMN IF NOT EXISTS cost_currency LowCardinality(String)
        DEFAULT attributes_string['tollspan.cost.currency'] CODEC(ZSTD) AFTER db_system_name,
    ADD COLUMN IF NOT EXISTS cost_amount_nano Int64
        DEFAULT attributes_int['tollspan.cost.amount_nano'] CODEC(T64, ZSTD) AFTER cost_currency,
    -- In which slots of time a trace has spans: where to look for them.
    ADD PROJECTION IF NOT EXISTS trace_slots
    (
        SELECT tenant, dataset, trace_id, toStartOfFiveMinutes(start)
        GROUP BY tenant, dataset, trace_id, toStartOfFiveMinutes(start)
    )
    WITH SETTINGS (index_granularity = 512),
    ADD PROJECTION IF NOT EXISTS service_edges
    (
        SELECT
            tenant,
            dataset,
            toStartOfFiveMinutes(start),
            service,
            calls.caller,
            calls.callee,
            db_system_name,
            status_code,
            count()
        GROUP BY
            tenant,
            dataset,
            toStartOfFiveMinutes(start),
            service,
            calls.caller,
            calls.callee,
            db_system_name,
            status_code
    ),
    -- Which keys come together, and how many bytes the values take.
    ADD PROJECTION IF NOT EXISTS attribute_keys
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
            countIf(cost_currency != ''),
            sum(length(cost_currency)),
            countIf(http_response_status_code != 0),
            countIf(cost_amount_nano != 0)
        GROUP BY
            tenant,
            dataset,
            toStartOfHour(start),
            mapKeys(attributes_string),
            mapKeys(attributes_int),
            mapKeys(attributes_double),
            mapKeys(attributes_bool),
            mapKeys(attributes_other)
    ),
    -- `trace_slots` says more and costs less.
    DROP INDEX IF EXISTS trace_id_bloom,
    MODIFY SETTING materialize_projections_on_insert = 0, materialize_projections_on_merge = 1
-- The index leaves the parts afterwards: one that is damaged must not keep the store from being opened.
SETTINGS alter_sync = 0
