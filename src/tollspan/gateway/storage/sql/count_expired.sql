SELECT count() AS items
FROM {table:Identifier}
WHERE received < toDateTime({before:UInt32})
  AND (dataset IN {datasets:Array(String)}) = {named:UInt8}
