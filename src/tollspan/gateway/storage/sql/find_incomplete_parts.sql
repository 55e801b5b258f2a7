-- Parts that merges have left without a projection: those of an earlier schema, and single ones.
SELECT count() AS parts
FROM system.parts
WHERE active
  AND database = currentDatabase()
  AND table = 'spans'
  AND rows > 0
  AND NOT hasAll(projections, ['red', 'trace_slots', 'service_edges', 'attribute_keys'])
  AND modification_time < toDateTime({before:UInt32})
  AND NOT EXISTS
  (
      SELECT 1
      FROM system.mutations
      WHERE database = currentDatabase() AND table = 'spans' AND NOT is_done
  )
