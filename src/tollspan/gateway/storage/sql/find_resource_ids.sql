-- The resources that are all that is asked for.
SELECT DISTINCT id
FROM resources
WHERE tenant = {tenant:String}
  AND $attributes
LIMIT {limit:UInt32}
