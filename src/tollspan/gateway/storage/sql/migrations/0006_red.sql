-- Rate, errors and durations by service, in slots of five minutes: what an overview of a day reads. It
-- lies in the parts of `spans`, so it holds exactly what they hold. Durations are counted in buckets,
-- four to each doubling.
ALTER TABLE spans ADD PROJECTION IF NOT EXISTS red
(
    SELECT
        tenant,
        dataset,
        toStartOfFiveMinutes(start),
        service,
        status_code,
        toUInt8(log2(greatest(duration, 1)) * 4),
        count(),
        sum(toFloat64(greatest(duration, 0)))
    GROUP BY
        tenant,
        dataset,
        toStartOfFiveMinutes(start),
        service,
        status_code,
        toUInt8(log2(greatest(duration, 1)) * 4)
)
