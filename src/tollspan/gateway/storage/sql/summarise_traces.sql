-- One row for each of the traces, from all of its spans.
-- The conditions are asked one after the other (PREWHERE): to find a better order takes the engine longer.
WITH toUnixTimestamp64Nano(start) AS first_of_span
SELECT
    lower(hex(trace_id)) AS id,
    min(first_of_span) AS first,
    -- A span may claim to last beyond what the number can hold.
    max(first_of_span + least(greatest(duration, 0), 9223372036854775807 - first_of_span)) AS last,
    count() AS spans,
    countIf(status_code = 2) AS errors,
    argMin((name, service), (parent_span_id != toFixedString('', 8), start, span_id)) AS root,
    argMinIf((unit, parent_unit), (start, span_id), unit != '') AS units,
    groupUniqArray(service) AS services,
    sumMapIf(map(cost_currency, toInt128(cost_amount_nano)), cost_currency != '') AS costs
FROM spans
PREWHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND trace_id IN {trace_ids:Array(FixedString(16))}
  AND toStartOfFiveMinutes(start) IN {slots:Array(DateTime('UTC'))}
GROUP BY trace_id
-- No projection answers this, and finding that out takes its time.
SETTINGS optimize_use_projections = 0
