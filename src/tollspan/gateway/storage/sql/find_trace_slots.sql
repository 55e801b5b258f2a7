-- The five minutes in which the traces have spans; the projection `trace_slots` answers it.
SELECT toUnixTimestamp(toStartOfFiveMinutes(start)) AS slot
FROM spans
WHERE tenant = {tenant:String}
  AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
  AND trace_id IN {trace_ids:Array(FixedString(16))}
GROUP BY slot
