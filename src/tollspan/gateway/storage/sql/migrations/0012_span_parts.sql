-- A merge costs as much for each row, so rows shall be merged seldom: from ten parts of a size on, not
-- from five. Until it has 128 MiB a part keeps all columns in one file, not in some two hundred: to make
-- and to remove files took a good part of the time. One thread removes merged parts: for more than a
-- hundred the engine would start 128, which stay, with three open files each.
ALTER TABLE spans
    MODIFY SETTING
        min_bytes_for_wide_part = 134217728,
        merge_selector_base = 10,
        concurrent_part_removal_threshold = 1000000
