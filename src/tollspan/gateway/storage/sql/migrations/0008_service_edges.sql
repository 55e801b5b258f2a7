-- Calls between services and to databases, in slots of five minutes; like `red` it lies in the parts.
ALTER TABLE spans ADD PROJECTION IF NOT EXISTS service_edges
(
    SELECT
        tenant,
        dataset,
        toStartOfFiveMinutes(start),
        calls.caller,
        calls.callee,
        service,
        db_system_name,
        status_code,
        count()
    GROUP BY
        tenant,
        dataset,
        toStartOfFiveMinutes(start),
        calls.caller,
        calls.callee,
        service,
        db_system_name,
        status_code
)
