-- A day that gets no more becomes one part: what is asked without a time, like a trace by its id, has to look
-- into each part of all days. Less than the hour in which projections are completed: that renews all parts.
ALTER TABLE spans
    MODIFY SETTING
        min_age_to_force_merge_seconds = 2400,
        min_age_to_force_merge_on_partition_only = 1
