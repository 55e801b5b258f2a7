SELECT count() AS spans
FROM spans
WHERE tenant = {tenant:String}
  AND dataset IN {datasets:Array(String)} -- if datasets
  AND start >= fromUnixTimestamp64Nano({start:Int64})
  AND start < fromUnixTimestamp64Nano({end:Int64})
  AND toStartOfFiveMinutes(start) BETWEEN toDateTime({slot_first:UInt32}) AND toDateTime({slot_last:UInt32})
  AND received >= toDateTime({received_from:UInt32})
