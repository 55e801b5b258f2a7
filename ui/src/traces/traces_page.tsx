import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { formatCount } from "../format";
import { Icon, IconButton } from "../frame/icon";
import { BASE, navigate, place } from "../router";
import { useStore } from "../store";
import type { RowsHandle } from "../virtual_rows";
import { FilterBar } from "./filter_bar";
import { LiveSign } from "./live_sign";
import { NothingFound } from "./nothing_found";
import { filterFromQuery, filterToLiveQuery, filterToQuery, type TraceFilter } from "./trace_filter";
import { heldCount } from "./trace_list";
import { TraceTable } from "./trace_table";
import { useLive } from "./use_live";
import { useThrottled } from "./use_throttled";
import { type ListVisit, useTraceList } from "./use_trace_list";

/** While spans stream in, new traces are fetched at most this often. */
const REFRESH_EVERY_MS = 1_500;

/** The newest traces that match the filter in the address, live. */
export function TracesPage({ lastVisit }: { lastVisit: ListVisit }) {
  const { query } = useStore(place);
  const filter = useMemo(() => filterFromQuery(query), [query]);
  const table = useRef<RowsHandle>(null);
  const [paused, setPaused] = useState(false);
  const [selectedId, setSelectedId] = useState<string | null>(null);

  const isReading = () => selectedId !== null || lastVisit.scrollPx > 0;
  const { list, problem, loadOlder, refresh, release } = useTraceList(query, lastVisit, isReading);
  const canFollow = filter.range.kind === "last";
  const refreshSoon = useThrottled(refresh, REFRESH_EVERY_MS);
  const live = useLive(canFollow && !paused, filterToLiveQuery(filter), refreshSoon);

  useEffect(() => {
    document.title = "Traces · Tollspan";
    table.current?.scrollTo(lastVisit.scrollPx);
  }, [lastVisit]);

  const setFilter = (next: TraceFilter, replace = false) => {
    setSelectedId(null);
    navigate(BASE + filterToQuery(next), { replace });
  };
  const showNew = () => {
    setSelectedId(null);
    release();
    table.current?.scrollTo(0);
  };

  const held = list ? heldCount(list) : { count: 0, more: false };
  return (
    <main class="traces">
      <FilterBar filter={filter} onChange={setFilter}>
        <LiveSign live={live} offLabel={canFollow ? "Paused" : "Fixed time range"} />
        {canFollow && (
          <IconButton
            icon={paused ? "play" : "pause"}
            label={paused ? "Resume live updates" : "Pause live updates"}
            onClick={() => setPaused(!paused)}
          />
        )}
      </FilterBar>
      {problem && (
        <div class="banner problem" role="alert">
          <Icon name="error" /> {problem}
          <button type="button" class="link" onClick={() => void refresh()}>
            Try again
          </button>
        </div>
      )}
      {!list && !problem && <p class="loading">Loading traces…</p>}
      {list && list.rows.length > 0 && (
        <div class="trace-list">
          {held.count > 0 && (
            <button type="button" class="pill" onClick={showNew}>
              <Icon name="up" /> {formatCount(held.count)}
              {held.more ? "+" : ""} new
            </button>
          )}
          <TraceTable
            rows={list.rows}
            hasOlder={list.cursor !== null}
            onEnd={loadOlder}
            handle={table}
            onScroll={(scrollPx) => {
              lastVisit.scrollPx = scrollPx;
            }}
            selectedId={selectedId}
            onSelect={setSelectedId}
          />
        </div>
      )}
      {list?.rows.length === 0 && <NothingFound filter={filter} onChange={setFilter} />}
    </main>
  );
}
