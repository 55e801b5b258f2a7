/**
 * The spans of one trace in tree order: a parent, then its subtrees, siblings by start.
 * A *position* counts in tree order, a *row* in the order of the columns.
 * The subtree of position p is the range [p, end[p]), so that skipping it is a jump.
 */
export interface TraceTree {
  size: number;
  rowAt: Int32Array;
  positionOf: Int32Array;
  depth: Int32Array;
  depthMax: number;
  end: Int32Array;
  /** Position of the parent, or -1 at the top level. */
  parent: Int32Array;
}

/**
 * Builds the tree from `parentRow` (row of the parent, or -1). Every row gets a position:
 * where parents form a loop, the earliest row of the loop goes to the top level.
 */
export function buildTree(parentRow: Int32Array): TraceTree {
  const size = parentRow.length;
  const rowAt = new Int32Array(size);
  const positionOf = new Int32Array(size).fill(-1);
  const depth = new Int32Array(size);
  const parent = new Int32Array(size);
  const { lastChild, previousSibling } = linkChildren(parentRow);
  const stack = new Int32Array(size + 1);
  let placed = 0;

  const placeSubtree = (top: number) => {
    let height = 0;
    stack[height++] = top;
    while (height > 0) {
      const row = stack[--height];
      if (positionOf[row] >= 0) continue;
      const position = placed++;
      const above = parentRow[row] < 0 ? -1 : positionOf[parentRow[row]];
      positionOf[row] = position;
      rowAt[position] = row;
      parent[position] = above;
      depth[position] = above < 0 ? 0 : depth[above] + 1;
      for (let child = lastChild[row]; child >= 0; child = previousSibling[child]) stack[height++] = child;
    }
  };

  for (let row = 0; row < size; row++) if (parentRow[row] < 0) placeSubtree(row);
  for (let row = 0; placed < size; row++) if (positionOf[row] < 0) placeSubtree(row);
  return { size, rowAt, positionOf, depth, depthMax: maxOf(depth), end: subtreeEnds(parent), parent };
}

/** Children of a row as a linked list, latest first, in two arrays for the whole trace. */
function linkChildren(parentRow: Int32Array) {
  const lastChild = new Int32Array(parentRow.length).fill(-1);
  const previousSibling = new Int32Array(parentRow.length).fill(-1);
  for (let row = 0; row < parentRow.length; row++) {
    const above = parentRow[row];
    if (above < 0) continue;
    previousSibling[row] = lastChild[above];
    lastChild[above] = row;
  }
  return { lastChild, previousSibling };
}

function subtreeEnds(parent: Int32Array): Int32Array {
  const end = new Int32Array(parent.length);
  for (let position = parent.length - 1; position >= 0; position--) {
    end[position] = Math.max(end[position], position + 1);
    const above = parent[position];
    if (above >= 0) end[above] = Math.max(end[above], end[position]);
  }
  return end;
}

function maxOf(values: Int32Array): number {
  let max = 0;
  for (const value of values) if (value > max) max = value;
  return max;
}

/** The positions that show when the subtrees of `collapsed` (1 per closed position) are hidden. */
export function visiblePositions(tree: TraceTree, collapsed: Uint8Array): Int32Array {
  const visible = new Int32Array(tree.size);
  let shown = 0;
  for (let position = 0; position < tree.size; ) {
    visible[shown++] = position;
    position = collapsed[position] ? tree.end[position] : position + 1;
  }
  return visible.subarray(0, shown);
}

/** Index of the last element that is <= `value` in an ascending array, or -1. */
export function lastAtMost(ascending: Int32Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Positions for which `matches(row)` holds, ascending. */
export function positionsWhere(tree: TraceTree, matches: (row: number) => boolean): Int32Array {
  const found = new Int32Array(tree.size);
  let count = 0;
  for (let position = 0; position < tree.size; position++) {
    if (matches(tree.rowAt[position])) found[count++] = position;
  }
  return found.slice(0, count);
}
