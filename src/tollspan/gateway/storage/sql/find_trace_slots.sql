-- The five minutes in which the traces have spans; the projection `trace_slots` answers it.
SELECT toUnixTimestamp(toStartOfFiveMinutes(start)) AS slot
FROM spans
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND trace_id IN {trace_ids:Array(FixedString(16))}
GROUP BY slot
-- To look at other projections and for other ways takes longer than to read the answer.
SETTINGS
    preferred_optimize_projection_name = 'trace_slots',
    optimize_use_implicit_projections = 0,
    use_skip_indexes = 0,
    use_query_condition_cache = 0
