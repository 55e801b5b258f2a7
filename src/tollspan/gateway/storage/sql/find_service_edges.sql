-- How often services called each other, and databases, which send no spans of their own.
SELECT
    arrayJoin(if(
        empty(callers) AND db_system_name != '',
        [(service, db_system_name, true)],
        arrayMap((caller, callee) -> (caller, callee, false), callers, callees)
    )) AS edge,
    edge.1 AS caller,
    edge.2 AS callee,
    edge.3 AS to_database,
    sum(spans) AS calls,
    sumIf(spans, status_code = 2) AS errors
FROM
(
    SELECT
        calls.caller AS callers,
        calls.callee AS callees,
        service,
        db_system_name,
        status_code,
        count() AS spans
    FROM spans
    WHERE tenant = {tenant:String}
      AND dataset IN {datasets:Array(String)} -- if datasets
      AND toStartOfFiveMinutes(start) >= toDateTime({from:UInt32})
      AND toStartOfFiveMinutes(start) < toDateTime({until:UInt32})
    GROUP BY callers, callees, service, db_system_name, status_code
)
GROUP BY edge
ORDER BY caller, callee, to_database
LIMIT {limit:UInt32}
