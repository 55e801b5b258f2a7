import type { TraceColumns } from "../data/trace_columns";
import type { TraceTree } from "./trace_tree";

/** A mask over rows: 1 where the span names a parent that is not in the trace. */
export function orphanMask(trace: TraceColumns): Uint8Array {
  const mask = new Uint8Array(trace.rows);
  for (const row of trace.orphans) mask[row] = 1;
  return mask;
}

/** The row that stands for the whole trace: the first real root, or else the first top-level span. */
export function rootRow(trace: TraceColumns, tree: TraceTree): number {
  const isOrphan = orphanMask(trace);
  for (let position = 0; position < tree.size; position = tree.end[position]) {
    const row = tree.rowAt[position];
    if (!isOrphan[row] && trace.parent[row] < 0) return row;
  }
  return tree.rowAt[0];
}
