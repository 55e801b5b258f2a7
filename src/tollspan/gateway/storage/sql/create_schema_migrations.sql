CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String,
    applied DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
ORDER BY name
