import type { TraceColumns } from "../data/trace_columns";
import { lastAtMost, positionsWhere, type TraceTree } from "./trace_tree";

/** Positions whose span name or service contains `text`, whatever the case. */
export function searchSpans(trace: TraceColumns, tree: TraceTree, text: string): Int32Array {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return new Int32Array(0);
  // The dictionaries are short: each distinct string is compared once, not once per span.
  const nameMatches = trace.names.map((name) => name.toLowerCase().includes(wanted));
  const serviceMatches = trace.services.map((service) => service.toLowerCase().includes(wanted));
  return positionsWhere(tree, (row) => nameMatches[trace.name[row]] || serviceMatches[trace.service[row]]);
}

/** The match after (or before) `position`, going round at the end; -1 when there is none. */
export function nextMatch(matches: Int32Array, position: number, step: 1 | -1): number {
  if (matches.length === 0) return -1;
  const at = lastAtMost(matches, position);
  if (step > 0) return matches[(at + 1) % matches.length];
  const before = matches[at] === position ? at - 1 : at;
  return matches[(before + matches.length) % matches.length];
}
