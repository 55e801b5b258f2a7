import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { formatTick } from "../format";
import { clampWindow, fractionAt, type TimeWindow } from "./time_window";
import { useBrush } from "./use_brush";

interface WaterfallHeaderProps {
  ruler: RefObject<HTMLDivElement | null>;
  marks: number[];
  timeWindow: TimeWindow;
  whole: TimeWindow;
  onWindow: (timeWindow: TimeWindow) => void;
  onTreePx: (treePx: number) => void;
}

/** A label further right than this part of the ruler would be cut off. */
const LABEL_MAX = 0.94;

/** Column titles and the time ruler; dragging over the ruler zooms into what was covered. */
export function WaterfallHeader({
  ruler,
  marks,
  timeWindow,
  whole,
  onWindow,
  onTreePx,
}: WaterfallHeaderProps) {
  const at = (fraction: number) => timeWindow.from + fraction * (timeWindow.to - timeWindow.from);
  const { brush, handlers } = useBrush(({ from, to }) =>
    onWindow(clampWindow({ from: at(from), to: at(to) }, whole.to)),
  );
  return (
    <div class="span-row waterfall-header" role="row" aria-rowindex={1}>
      <span role="columnheader" class="tree-cell">
        Span
        <TreeResizer onTreePx={onTreePx} />
      </span>
      <span role="columnheader" class="figure">
        Duration
      </span>
      <span role="columnheader" class="figure share" title="Part of the parent's duration">
        % parent
      </span>
      <div
        ref={ruler}
        role="columnheader"
        class="ruler"
        aria-label="Time"
        onDblClick={() => onWindow(whole)}
        {...handlers}
      >
        {marks.map((mark) => (
          <span key={mark} style={{ left: `${100 * fractionAt(timeWindow, mark)}%` }}>
            {fractionAt(timeWindow, mark) < LABEL_MAX && formatTick(mark)}
          </span>
        ))}
        {brush && (
          <i
            class="inside"
            style={{ left: `${100 * brush.from}%`, width: `${100 * (brush.to - brush.from)}%` }}
          />
        )}
      </div>
    </div>
  );
}

const TREE_MIN_PX = 140;

/** The edge of the span column, to be dragged. */
function TreeResizer({ onTreePx }: { onTreePx: (treePx: number) => void }) {
  const [isDragging, setDragging] = useState(false);
  const resize = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const column = event.currentTarget.parentElement;
    if (!isDragging || !column) return;
    onTreePx(Math.max(TREE_MIN_PX, event.clientX - column.getBoundingClientRect().left));
  };
  return (
    <i
      class="resizer"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
      }}
      onPointerMove={resize}
      onPointerUp={() => setDragging(false)}
    />
  );
}
