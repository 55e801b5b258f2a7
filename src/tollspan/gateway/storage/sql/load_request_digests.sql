SELECT hex(request_digest) AS digest
FROM spans
WHERE received >= now() - toIntervalHour({hours:UInt32})
  AND request_digest != toFixedString('', 16)
ORDER BY received DESC
LIMIT {limit:UInt32}
