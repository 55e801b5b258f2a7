SELECT sum(rows) AS items
FROM system.parts
WHERE database = currentDatabase()
  AND table = {table:String}
  AND name = {part:String}
