SELECT request_digest
FROM {table:Identifier}
WHERE received >= toDateTime({since:UInt32})
  AND request_digest != toFixedString('', 16)
ORDER BY received DESC
LIMIT {limit:UInt32}
