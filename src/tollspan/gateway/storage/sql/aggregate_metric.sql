-- One row for each group of series and step of time. A cumulative point counts with what it adds to
-- the point of its series before it: all of it when the series started again, or within the time
-- asked about, and nothing when what came before is not known. Buckets are (upper bound, count).
WITH
    type IN (5, 7) AS is_number,
    type = 11 OR (temporality = 2 AND (type IN (9, 10) OR monotonic = 1)) AS is_cumulative,
    if(is_number, 1, toInt64(count)) AS own_count,
    if(is_number, if(number_type = 3, toFloat64(reinterpretAsInt64(number)), reinterpretAsFloat64(number)), sum)
        AS own_sum,
    pow(2, pow(2, -scale)) AS base,
    -- A histogram without buckets has no bound either.
    if(type = 9, arrayConcat(explicit_bounds, if(empty(bucket_counts), [], [inf])), arrayConcat(
        arrayMap((_, place) -> -pow(base, negative_offset + place - 1),
            negative_bucket_counts, arrayEnumerate(negative_bucket_counts)),
        [zero_threshold],
        arrayMap((_, place) -> pow(base, positive_offset + place),
            positive_bucket_counts, arrayEnumerate(positive_bucket_counts))
    )) AS own_bounds,
    if(type = 9, bucket_counts, arrayConcat(negative_bucket_counts, [zero_count], positive_bucket_counts))
        AS own_buckets
SELECT
    arrayMap(key -> multiIf(
        key = 'service', service,
        key = 'unit', unit,
        key = 'parent_unit', parent_unit,
        mapContains(attributes_int, key), toString(attributes_int[key]),
        mapContains(attributes_double, key), toString(attributes_double[key]),
        mapContains(attributes_bool, key), toString(attributes_bool[key]),
        attributes_string[key]
    ), {by:Array(String)}) AS labels,
    intDiv(moment - {start:Int64}, {step:Int64}) AS step,
    count() AS points,
    sum(added_count) AS added_count,
    sum(added_sum) AS added_sum,
    max(is_number) AS of_numbers,
    if(countIf(has_own_min) = 0, nan, minIf(own_min, has_own_min)) AS lowest,
    if(countIf(has_own_max) = 0, nan, maxIf(own_max, has_own_max)) AS highest,
    argMax(own_sum, moment) AS latest,
    avg(own_sum) AS mean,
    sumMap(added_bounds, added_buckets) AS buckets
FROM
(
    SELECT
        service, unit, parent_unit, attributes_int, attributes_double, attributes_bool, attributes_string,
        toUnixTimestamp64Nano(time) AS moment,
        is_number,
        own_sum,
        is_number OR has_min = 1 AS has_own_min,
        if(is_number, own_sum, min) AS own_min,
        is_number OR has_max = 1 AS has_own_max,
        if(is_number, own_sum, max) AS own_max,
        row_number() OVER (PARTITION BY series ORDER BY time) = 1 AS is_first,
        lagInFrame(own_count) OVER before AS count_before,
        lagInFrame(own_sum) OVER before AS sum_before,
        lagInFrame(start_unix_nano) OVER before AS start_before,
        multiIf(
            NOT is_cumulative, 1,
            is_first, start_unix_nano >= toUInt64({start:Int64}) AND start_unix_nano != 0,
            start_unix_nano != start_before OR own_count < count_before OR (monotonic = 1 AND own_sum < sum_before)
        ) AS is_whole,
        multiIf(is_whole, own_count, is_first OR is_number, toInt64(is_number), own_count - count_before)
            AS added_count,
        multiIf(is_whole, own_sum, is_first, 0, own_sum - sum_before) AS added_sum,
        {buckets:UInt8} = 1 AND type IN (9, 10) AND (is_whole OR NOT is_first) AS has_buckets,
        lagInFrame(own_bounds) OVER before AS bounds_before,
        lagInFrame(own_buckets) OVER before AS buckets_before,
        multiIf(NOT has_buckets, [], is_whole, own_bounds, arrayConcat(own_bounds, bounds_before))
            AS added_bounds,
        multiIf(
            NOT has_buckets, [],
            is_whole, arrayMap(own -> toInt64(own), own_buckets),
            arrayConcat(
                arrayMap(own -> toInt64(own), own_buckets), arrayMap(own -> -toInt64(own), buckets_before)
            )
        ) AS added_buckets
    FROM metric_points
    WHERE tenant = {tenant:String}
      AND dataset IN {datasets:Array(String)} -- if datasets
      AND name = {name:String}
      AND time >= fromUnixTimestamp64Nano({start:Int64})
      AND time < fromUnixTimestamp64Nano({end:Int64})
      AND received >= toDateTime({received_from:UInt32})
      AND service = {service:String} -- if service
      AND unit = {unit:String} -- if unit
      AND bitAnd(flags, 1) = 0
      AND $attributes
    WINDOW before AS (PARTITION BY series ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
GROUP BY labels, step
ORDER BY labels, step
LIMIT {limit:UInt32}
