import { FirstTrace } from "./first_trace";
import { filterFromQuery, isNarrowed, type TraceFilter } from "./trace_filter";

interface NothingFoundProps {
  filter: TraceFilter;
  onChange: (filter: TraceFilter) => void;
}

/** Why the list is empty, and what to do about it. */
export function NothingFound({ filter, onChange }: NothingFoundProps) {
  if (!isNarrowed(filter)) return <FirstTrace />;
  return (
    <section class="notice">
      <h1>No trace matches</h1>
      <p>Widen the time range, or leave a condition out.</p>
      <button type="button" onClick={() => onChange({ ...filterFromQuery(""), range: filter.range })}>
        Clear conditions
      </button>
    </section>
  );
}
