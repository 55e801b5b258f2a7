SELECT DISTINCT partition AS day
FROM system.parts
WHERE active
  AND database = currentDatabase()
  AND table IN {tables:Array(String)}
ORDER BY day
