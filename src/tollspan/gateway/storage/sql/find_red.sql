-- Spans, errors and durations of each service and step of time. The inner question is put as the
-- projection `red` answers it: another condition would make it read every span.
SELECT
    service,
    intDiv(toUnixTimestamp(slot) - {from:UInt32}, {step:UInt32}) AS step,
    sum(spans) AS spans,
    sumIf(spans, status_code = 2) AS errors,
    sum(duration) AS duration,
    quantilesExactWeighted(0.5, 0.9, 0.95, 0.99)(bucket, spans) AS buckets
FROM
(
    SELECT
        service,
        toStartOfFiveMinutes(start) AS slot,
        status_code,
        toUInt8(log2(greatest(duration, 1)) * 4) AS bucket,
        count() AS spans,
        sum(toFloat64(greatest(duration, 0))) AS duration
    FROM spans
    WHERE tenant = {tenant:String}
      AND dataset IN {datasets:Array(String)} -- if datasets
      AND toStartOfFiveMinutes(start) >= toDateTime({from:UInt32})
      AND toStartOfFiveMinutes(start) < toDateTime({until:UInt32})
      AND service = {service:String} -- if service
    GROUP BY service, slot, status_code, bucket
)
GROUP BY service, step
ORDER BY service, step
LIMIT {limit:UInt32}
