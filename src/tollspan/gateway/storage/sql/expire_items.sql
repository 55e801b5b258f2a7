ALTER TABLE {table:Identifier}
DELETE WHERE received < toDateTime({before:UInt32})
  AND (dataset IN {datasets:Array(String)}) = {named:UInt8}
SETTINGS mutations_sync = 1, max_execution_time = 0
