import type { TraceTree } from "./trace_tree";

/** Which subtrees are closed (1 per position) and which position is selected (-1: none). */
export interface TraceView {
  collapsed: Uint8Array;
  selected: number;
}

export const hasChildren = (tree: TraceTree, position: number): boolean => tree.end[position] > position + 1;

export const openView = (tree: TraceTree): TraceView => ({
  collapsed: new Uint8Array(tree.size),
  selected: -1,
});

export function withCollapsed(view: TraceView, position: number, closed: boolean): TraceView {
  const collapsed = view.collapsed.slice();
  collapsed[position] = closed ? 1 : 0;
  return { ...view, collapsed };
}

/** Opens every subtree. */
export const withAllOpen = (tree: TraceTree, view: TraceView): TraceView => ({
  ...view,
  collapsed: new Uint8Array(tree.size),
});

/** Closes every subtree below the top level; a selection that gets hidden moves up to what stands for it. */
export function withAllClosed(tree: TraceTree, view: TraceView): TraceView {
  const collapsed = new Uint8Array(tree.size);
  for (let position = 0; position < tree.size; position++) {
    collapsed[position] = tree.depth[position] > 0 && hasChildren(tree, position) ? 1 : 0;
  }
  let { selected } = view;
  while (selected >= 0 && tree.depth[selected] > 1) selected = tree.parent[selected];
  return { collapsed, selected };
}

/** Selects a position and opens every subtree that hides it. */
export function withSelected(tree: TraceTree, view: TraceView, position: number): TraceView {
  let { collapsed } = view;
  for (let above = position < 0 ? -1 : tree.parent[position]; above >= 0; above = tree.parent[above]) {
    if (!collapsed[above]) continue;
    if (collapsed === view.collapsed) collapsed = collapsed.slice();
    collapsed[above] = 0;
  }
  return { collapsed, selected: position };
}

/** Arrow right: opens a closed subtree, otherwise goes to the first child. */
export function stepIn(tree: TraceTree, view: TraceView): TraceView {
  const { selected, collapsed } = view;
  if (selected < 0 || !hasChildren(tree, selected)) return view;
  return collapsed[selected] ? withCollapsed(view, selected, false) : { ...view, selected: selected + 1 };
}

/** Arrow left: closes an open subtree, otherwise goes to the parent. */
export function stepOut(tree: TraceTree, view: TraceView): TraceView {
  const { selected, collapsed } = view;
  if (selected < 0) return view;
  if (hasChildren(tree, selected) && !collapsed[selected]) return withCollapsed(view, selected, true);
  return tree.parent[selected] < 0 ? view : { ...view, selected: tree.parent[selected] };
}
