import type { TracePage, TraceSummary } from "../data/trace_summaries";

/** The loaded part of the trace list, newest first. */
export interface TraceList {
  rows: TraceSummary[];
  /** Where the next older page begins; null at the end. */
  cursor: string | null;
  /** The newest page while its new traces are held back, so that nothing moves under the reader. */
  held: TracePage | null;
}

/** At the top of a list of this length, older pages are let go when new traces come in. */
const ROWS_MAX = 1_000;

export const firstPage = (page: TracePage): TraceList => ({
  rows: page.traces,
  cursor: page.nextCursor,
  held: null,
});

export function olderPage(list: TraceList, page: TracePage): TraceList {
  return { ...list, rows: [...list.rows, ...unknown(list, page)], cursor: page.nextCursor };
}

/** Takes in the newest page, in its order. With `hold` it only brings known traces up to date, in place. */
export function newestPage(list: TraceList, page: TracePage, hold: boolean): TraceList {
  const latest = new Map(page.traces.map((trace) => [trace.traceId, trace]));
  if (hold)
    return { ...list, rows: list.rows.map((trace) => latest.get(trace.traceId) ?? trace), held: page };
  if (isDetached(list, page) || list.rows.length > ROWS_MAX) return firstPage(page);
  const older = list.rows.filter((trace) => !latest.has(trace.traceId));
  return { rows: [...page.traces, ...older], cursor: list.cursor, held: null };
}

/** Lets the traces in that were held back. */
export const releaseHeld = (list: TraceList): TraceList =>
  list.held ? newestPage(list, list.held, false) : list;

/** How many traces are held back; `more` when there are others that the newest page did not reach. */
export function heldCount(list: TraceList): { count: number; more: boolean } {
  if (!list.held) return { count: 0, more: false };
  return { count: unknown(list, list.held).length, more: isDetached(list, list.held) };
}

/** True when more traces came than one page holds: the list and the page have nothing in common. */
const isDetached = (list: TraceList, page: TracePage): boolean =>
  page.nextCursor !== null && unknown(list, page).length === page.traces.length;

function unknown(list: TraceList, page: TracePage): TraceSummary[] {
  const known = new Set(list.rows.map((trace) => trace.traceId));
  return page.traces.filter((trace) => !known.has(trace.traceId));
}
