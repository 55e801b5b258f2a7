SELECT count() AS items
FROM {table:Identifier}
WHERE tenant = {tenant:String}
  AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
  AND {column:Identifier} = unhex({value:String})
