ALTER TABLE {table:Identifier}
DELETE WHERE tenant = {tenant:String}
  AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
  AND {column:Identifier} = unhex({value:String})
SETTINGS mutations_sync = 1, max_execution_time = 0
