SELECT partition, sum(rows) AS items
FROM system.parts
WHERE active
  AND database = currentDatabase()
  AND table = {table:String}
  AND partition < {day:String}
GROUP BY partition
ORDER BY partition
