-- As for `spans`.
ALTER TABLE log_records
    MODIFY SETTING
        min_age_to_force_merge_seconds = 2400,
        min_age_to_force_merge_on_partition_only = 1
