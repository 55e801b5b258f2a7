import { useEffect, useMemo, useState } from "preact/hooks";
import type { TraceColumns } from "../data/trace_columns";
import { navigate, place, traceHref } from "../router";
import { useStore } from "../store";
import { type TraceTree, visiblePositions } from "./trace_tree";
import { openView, type TraceView, withSelected } from "./trace_view";

export interface SpanSelection {
  view: TraceView;
  setView(view: TraceView): void;
  /** The positions that no closed subtree hides. */
  visible: Int32Array;
  isPanelOpen: boolean;
  /** Selects a position, if it is one, and opens the subtrees around it. */
  select(position: number): void;
  openPanel(position: number): void;
  closePanel(): void;
}

/** Which span is selected and which subtrees are closed. The span whose details are open is in the address. */
export function useSpanSelection(trace: TraceColumns, tree: TraceTree): SpanSelection {
  const { query } = useStore(place);
  const [view, setView] = useState(() => withSelected(tree, openView(tree), positionIn(query, trace, tree)));
  const [isPanelOpen, setPanelOpen] = useState(view.selected >= 0);
  const visible = useMemo(() => visiblePositions(tree, view.collapsed), [tree, view.collapsed]);
  const { selected } = view;

  const select = (position: number) => {
    if (position >= 0) setView((current) => withSelected(tree, current, position));
  };
  const openPanel = (position: number) => {
    select(position);
    setPanelOpen(true);
  };

  useEffect(() => {
    const spanId = isPanelOpen ? trace.spanIds[tree.rowAt[selected]] : undefined;
    const href = traceHref(trace.traceId, spanId);
    if (href !== location.pathname + location.search) navigate(href, { replace: true });
  }, [trace, tree, isPanelOpen, selected]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a link to another span of this trace matters here
  useEffect(() => {
    const position = positionIn(query, trace, tree);
    if (position >= 0 && position !== selected) openPanel(position);
  }, [query]);

  return { view, setView, visible, isPanelOpen, select, openPanel, closePanel: () => setPanelOpen(false) };
}

/** The position of the span that the address names, or -1. */
function positionIn(query: string, trace: TraceColumns, tree: TraceTree): number {
  const spanId = new URLSearchParams(query).get("span");
  const row = spanId === null ? -1 : trace.spanIds.indexOf(spanId);
  return row < 0 ? -1 : tree.positionOf[row];
}
