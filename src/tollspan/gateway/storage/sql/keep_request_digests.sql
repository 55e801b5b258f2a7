-- Rows that are to be erased may carry the digests of requests that may still be sent again.
INSERT INTO {table:Identifier} (tenant, received, request_digest)
SELECT '(erased)', received, request_digest
FROM {table:Identifier}
WHERE tenant = {tenant:String}
  AND (empty({datasets:Array(String)}) OR dataset IN {datasets:Array(String)})
  AND {column:Identifier} = unhex({value:String})
  AND received >= toDateTime({since:UInt32})
  AND request_digest != toFixedString('', 16)
