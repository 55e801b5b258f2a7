ALTER TABLE {table:Identifier} DROP PARTITION {partition:String}
