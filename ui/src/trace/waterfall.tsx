import type { RefObject } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { TraceColumns } from "../data/trace_columns";
import type { RowWindow } from "../row_window";
import { runKey } from "../use_keys";
import { useMediaQuery } from "../use_media_query";
import { type RowsHandle, VirtualRows } from "../virtual_rows";
import { fractionAt, panWindow, type TimeWindow, ticks, zoomWindow } from "./time_window";
import { orphanMask } from "./trace_root";
import { lastAtMost, type TraceTree } from "./trace_tree";
import { stepIn, stepOut, type TraceView, withCollapsed } from "./trace_view";
import { WaterfallHeader } from "./waterfall_header";
import { type Indent, WaterfallRow } from "./waterfall_row";

interface WaterfallProps {
  trace: TraceColumns;
  tree: TraceTree;
  slots: Uint8Array;
  visible: Int32Array;
  /** Positions that the search found, or null without a search. */
  matches: Int32Array | null;
  view: TraceView;
  onView: (view: TraceView) => void;
  timeWindow: TimeWindow;
  whole: TimeWindow;
  onWindow: (timeWindow: TimeWindow) => void;
  onOpen: (position: number) => void;
  handle: RefObject<RowsHandle | null>;
}

/** Keep in step with .span-row and .waterfall-header in styles/waterfall.css. */
const ROW_PX = 26;
const HEADER_PX = 28;
const TICKS = 7;
const TICKS_NARROW = 3;
const WHEEL_ZOOM = 0.002;

/** Every span of the trace as a row: its place in the tree, its time, and its bar on the timeline. */
export function Waterfall(props: WaterfallProps) {
  const { trace, tree, slots, visible, matches, view, onView, timeWindow, whole, onWindow, onOpen, handle } =
    props;
  const ruler = useRef<HTMLDivElement>(null);
  const [treePx, setTreePx] = useState<number | null>(null);
  const narrow = useMediaQuery("(max-width: 760px)");
  const marks = ticks(timeWindow, narrow ? TICKS_NARROW : TICKS);
  const isOrphan = useMemo(() => orphanMask(trace), [trace]);

  const move = (delta: number) => {
    const at = Math.max(0, Math.min(visible.length - 1, lastAtMost(visible, view.selected) + delta));
    onView({ ...view, selected: visible[at] });
  };
  const onKeyDown = (event: KeyboardEvent) =>
    runKey(event, {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      PageDown: () => move(handle.current?.pageRows() ?? 1),
      PageUp: () => move(-(handle.current?.pageRows() ?? 1)),
      Home: () => move(-visible.length),
      End: () => move(visible.length),
      ArrowRight: () => onView(stepIn(tree, view)),
      ArrowLeft: () => onView(stepOut(tree, view)),
      Enter: () => view.selected >= 0 && onOpen(view.selected),
    });
  const onWheel = (event: WheelEvent) => {
    const box = ruler.current?.getBoundingClientRect();
    if (!box || event.clientX < box.left) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const at =
        timeWindow.from + ((event.clientX - box.left) / box.width) * (timeWindow.to - timeWindow.from);
      onWindow(zoomWindow(timeWindow, Math.exp(event.deltaY * WHEEL_ZOOM), at, whole.to));
    } else if (event.deltaX !== 0) {
      event.preventDefault();
      onWindow(panWindow(timeWindow, event.deltaX / box.width, whole.to));
    }
  };

  const renderRows = ({ first, end }: RowWindow) => {
    const positions = visible.subarray(first, end);
    const indent = indentOf(tree, positions);
    return (
      <>
        {Array.from(positions, (position, i) => (
          <WaterfallRow
            key={position}
            trace={trace}
            tree={tree}
            slots={slots}
            position={position}
            index={first + i}
            indent={indent}
            isCollapsed={view.collapsed[position] === 1}
            isSelected={position === view.selected}
            isMatch={matches !== null && matches[lastAtMost(matches, position)] === position}
            isOrphan={isOrphan[tree.rowAt[position]] === 1}
            timeWindow={timeWindow}
            onToggle={() => onView(withCollapsed(view, position, view.collapsed[position] === 0))}
            onOpen={() => onOpen(position)}
          />
        ))}
      </>
    );
  };
  const style: Record<string, string> = {
    "--grid": gridImage(marks.map((mark) => fractionAt(timeWindow, mark))),
  };
  if (treePx !== null) style["--tree-width"] = `${treePx}px`;
  return (
    <VirtualRows
      count={visible.length}
      rowPx={ROW_PX}
      headerPx={HEADER_PX}
      header={
        <WaterfallHeader
          ruler={ruler}
          marks={marks}
          timeWindow={timeWindow}
          whole={whole}
          onWindow={onWindow}
          onTreePx={setTreePx}
        />
      }
      renderRows={renderRows}
      handle={handle}
      attributes={{
        class: matches ? "waterfall searching" : "waterfall",
        style,
        role: "treegrid",
        tabIndex: 0,
        "aria-label": "Spans",
        "aria-rowcount": visible.length + 1,
        onKeyDown,
        onWheel,
        ...(view.selected >= 0 ? { "aria-activedescendant": `span-${view.selected}` } : {}),
      }}
    />
  );
}

/** Trees of up to this many levels are always indented from the left edge. */
const INDENT_LEVELS = 16;

/** In a deep trace the rows in view move left together, in steps, so that names stay readable. */
function indentOf(tree: TraceTree, positions: Int32Array): Indent {
  const depths = positions.map((position) => tree.depth[position]);
  const shallowest = depths.reduce((least, depth) => Math.min(least, depth), tree.depthMax);
  const deepest = depths.reduce((most, depth) => Math.max(most, depth), 0);
  const from = tree.depthMax < INDENT_LEVELS ? 0 : Math.floor(shallowest / 8) * 8;
  return { from, levels: Math.max(1, deepest - from) };
}

/** One thin vertical line per tick, as a background of the timeline cells. */
const gridImage = (fractions: number[]): string =>
  fractions
    .map((at) => `linear-gradient(var(--line), var(--line)) ${(100 * at).toFixed(3)}% 0 / 1px 100% no-repeat`)
    .join(", ") || "none";
