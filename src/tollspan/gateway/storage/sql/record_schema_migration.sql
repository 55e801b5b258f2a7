INSERT INTO schema_migrations (name) SELECT {name:String}
