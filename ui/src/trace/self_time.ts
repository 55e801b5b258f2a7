import type { TraceColumns } from "../data/trace_columns";
import type { TraceTree } from "./trace_tree";

/** The part of a span's time that none of its direct children covers. */
export function selfTimeNano(trace: TraceColumns, tree: TraceTree, position: number): number {
  const row = tree.rowAt[position];
  const start = trace.offsetNano[row];
  const end = start + trace.spanDurationNano[row];
  let covered = 0;
  let coveredUntil = start;
  // Siblings are ordered by start, so one sweep merges what overlaps.
  for (let child = position + 1; child < tree.end[position]; child = tree.end[child]) {
    const childStart = trace.offsetNano[tree.rowAt[child]];
    const childEnd = childStart + trace.spanDurationNano[tree.rowAt[child]];
    const from = Math.max(childStart, coveredUntil);
    const to = Math.min(childEnd, end);
    if (to <= from) continue;
    covered += to - from;
    coveredUntil = to;
  }
  return end - start - covered;
}
