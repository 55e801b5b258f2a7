-- As for `spans`.
ALTER TABLE log_records
    MODIFY SETTING
        min_bytes_for_wide_part = 134217728,
        merge_selector_base = 10,
        concurrent_part_removal_threshold = 1000000
