SELECT table, name
FROM system.detached_parts
WHERE database = currentDatabase()
  AND reason LIKE 'broken%'
ORDER BY table, name
