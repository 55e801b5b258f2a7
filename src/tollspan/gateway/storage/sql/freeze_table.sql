ALTER TABLE {table:Identifier} FREEZE WITH NAME 'image'
