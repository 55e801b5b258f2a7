import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { explain } from "../data/http";
import { getTraces } from "../data/trace_summaries";
import { filterFromQuery, filterToRequest } from "./trace_filter";
import { firstPage, newestPage, olderPage, releaseHeld, type TraceList } from "./trace_list";

export interface TraceListView {
  /** Null until the first page is there. */
  list: TraceList | null;
  problem: string | null;
  loadOlder(): void;
  refresh(): Promise<void>;
  release(): void;
}

/** The list as it was last seen, so that going back from a trace finds it as it was left. */
export interface ListVisit {
  query: string;
  list: TraceList | null;
  scrollPx: number;
}

const requestFor = (query: string) => filterToRequest(filterFromQuery(query), Date.now());

/**
 * Loads the traces for the page's query, and older ones on demand; keeps `lastVisit` up to date.
 * New traces are held back while `isReading()` says that the reader looks at the list.
 */
export function useTraceList(query: string, lastVisit: ListVisit, isReading: () => boolean): TraceListView {
  const [list, setList] = useState<TraceList | null>(lastVisit.query === query ? lastVisit.list : null);
  const [problem, setProblem] = useState<string | null>(null);
  const abort = useRef(new AbortController());
  const loadingOlder = useRef(false);
  const latestIsReading = useRef(isReading);
  latestIsReading.current = isReading;

  const attempt = useCallback(async (load: (signal: AbortSignal) => Promise<void>) => {
    const { signal } = abort.current;
    try {
      await load(signal);
      if (!signal.aborted) setProblem(null);
    } catch (error) {
      if (!signal.aborted) setProblem(explain(error));
    }
  }, []);

  const refresh = useCallback(
    () =>
      attempt(async (signal) => {
        const page = await getTraces(requestFor(query), signal);
        const hold = latestIsReading.current();
        setList((current) => (current ? newestPage(current, page, hold) : firstPage(page)));
      }),
    [query, attempt],
  );

  useEffect(() => {
    const controller = new AbortController();
    abort.current = controller;
    loadingOlder.current = false;
    if (lastVisit.query !== query) {
      setList(null);
      lastVisit.scrollPx = 0;
    }
    void refresh();
    return () => controller.abort();
  }, [query, refresh, lastVisit]);

  useEffect(() => {
    lastVisit.query = query;
    lastVisit.list = list;
  }, [query, list, lastVisit]);

  const loadOlder = () => {
    if (!list?.cursor || loadingOlder.current) return;
    const params = requestFor(query);
    params.set("cursor", list.cursor);
    loadingOlder.current = true;
    void attempt(async (signal) => {
      const page = await getTraces(params, signal);
      setList((current) => current && olderPage(current, page));
    }).finally(() => {
      loadingOlder.current = false;
    });
  };

  const release = () => setList((current) => current && releaseHeld(current));
  return { list, problem, loadOlder, refresh, release };
}
