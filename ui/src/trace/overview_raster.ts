import { STATUS_ERROR, type TraceColumns } from "../data/trace_columns";
import type { TraceTree } from "./trace_tree";

/** A pixel that no span covers. Other pixels hold a service index, or ERROR. */
export const EMPTY = -1;
export const ERROR = -2;

/**
 * Draws the whole trace into width x height cells, tree order from top to bottom; each line of cells
 * stands for a run of spans. A cell is written at most once, failed spans first, so that a million spans
 * cost a million steps and not a million bars: `free[x]` leads to the next cell that nothing covers yet.
 */
export function rasterise(trace: TraceColumns, tree: TraceTree, width: number, height: number): Int32Array {
  const cells = new Int32Array(width * height).fill(EMPTY);
  const free = new Int32Array(width + 1);
  const scale = trace.durationNano > 0 ? width / trace.durationNano : 0;
  const lines = Math.max(1, Math.min(height, tree.size));
  const startOf = (line: number, length: number) => Math.floor((line * length) / lines);

  const cover = (y: number, row: number, value: number) => {
    const start = trace.offsetNano[row] * scale;
    const first = Math.min(width - 1, Math.floor(start));
    const end = Math.min(width, Math.max(first + 1, Math.ceil(start + trace.spanDurationNano[row] * scale)));
    for (let x = nextFree(free, first); x < end; x = nextFree(free, x)) {
      cells[y * width + x] = value;
      free[x] = x + 1;
    }
  };

  for (let line = 0; line < lines; line++) {
    const y = startOf(line, height);
    const rows = tree.rowAt.subarray(startOf(line, tree.size), startOf(line + 1, tree.size));
    for (let x = 0; x <= width; x++) free[x] = x;
    for (const row of rows) if (trace.status[row] === STATUS_ERROR) cover(y, row, ERROR);
    for (const row of rows) if (trace.status[row] !== STATUS_ERROR) cover(y, row, trace.service[row]);
    repeatLine(cells, width, y, startOf(line + 1, height));
  }
  return cells;
}

/** Follows the chain to the first uncovered cell at or after x, shortening it on the way. */
function nextFree(free: Int32Array, from: number): number {
  let x = from;
  while (free[x] !== x) {
    free[x] = free[free[x]];
    x = free[x];
  }
  return x;
}

/** Copies line y down to line `end` (exclusive): a trace with few spans has thick bars. */
function repeatLine(cells: Int32Array, width: number, y: number, end: number): void {
  for (let copy = y + 1; copy < end; copy++) cells.copyWithin(copy * width, y * width, (y + 1) * width);
}
