import { STATUS_ERROR, type TraceColumns } from "../data/trace_columns";
import { formatCount, formatDuration, formatShare, plural } from "../format";
import { Icon } from "../frame/icon";
import { fractionAt, type TimeWindow } from "./time_window";
import type { TraceTree } from "./trace_tree";
import { hasChildren } from "./trace_view";

/** Depths are indented from `from` on; the rows in view need `levels` of them. */
export interface Indent {
  from: number;
  levels: number;
}

interface WaterfallRowProps {
  trace: TraceColumns;
  tree: TraceTree;
  slots: Uint8Array;
  position: number;
  index: number;
  indent: Indent;
  isCollapsed: boolean;
  isSelected: boolean;
  isMatch: boolean;
  isOrphan: boolean;
  timeWindow: TimeWindow;
  onToggle: () => void;
  onOpen: () => void;
}

export function WaterfallRow(props: WaterfallRowProps) {
  const { trace, tree, slots, position, index, isSelected, isMatch, isOrphan, timeWindow, onOpen } = props;
  const row = tree.rowAt[position];
  const failed = trace.status[row] === STATUS_ERROR;
  const name = trace.names[trace.name[row]];
  const service = trace.services[trace.service[row]];
  const durationNano = trace.spanDurationNano[row];
  const series = `series-${slots[trace.service[row]]}`;
  const above = tree.parent[position];
  const inLoop = above < 0 && trace.parent[row] >= 0;
  const classes = ["span-row", isSelected && "selected", isMatch && "match"].filter(Boolean).join(" ");
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the treegrid that has the focus
    <div
      id={`span-${position}`}
      class={classes}
      role="row"
      aria-level={tree.depth[position] + 1}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      {...(hasChildren(tree, position) ? { "aria-expanded": !props.isCollapsed } : {})}
      onClick={onOpen}
    >
      <span role="gridcell" class="tree-cell" title={`${service} · ${name}`}>
        <i
          class="guides"
          style={{ "--depth": tree.depth[position] - props.indent.from, "--levels": props.indent.levels }}
        />
        <Toggle {...props} />
        <i class={`dot ${series}`} />
        <span class="service">{service}</span>
        <span class="name">{name}</span>
        {failed && <Mark icon="error" label="Failed" />}
        {isOrphan && <Mark icon="orphan" label="The parent of this span has not arrived" />}
        {inLoop && <Mark icon="orphan" label="The parents of this span form a loop" />}
        {trace.events[row] > 0 && (
          <span class="events" title={plural(trace.events[row], "event")}>
            {formatCount(trace.events[row])}
          </span>
        )}
      </span>
      <span role="gridcell" class="figure">
        {formatDuration(durationNano)}
      </span>
      <span role="gridcell" class="figure share">
        {above >= 0 && formatShare(durationNano, trace.spanDurationNano[tree.rowAt[above]])}
      </span>
      <span role="gridcell" class="timeline">
        <Bar
          from={trace.offsetNano[row]}
          durationNano={durationNano}
          timeWindow={timeWindow}
          look={failed ? `${series} failed` : series}
        />
      </span>
    </div>
  );
}

function Toggle({ tree, position, isCollapsed, onToggle }: WaterfallRowProps) {
  if (!hasChildren(tree, position)) return <i class="toggle-space" />;
  const inside = tree.end[position] - position - 1;
  return (
    <button
      type="button"
      class={isCollapsed ? "subtree closed" : "subtree"}
      tabIndex={-1}
      aria-label={isCollapsed ? `Open the subtree of ${plural(inside, "span")}` : "Close the subtree"}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <Icon name="down" />
      {isCollapsed && formatCount(inside)}
    </button>
  );
}

function Mark({ icon, label }: { icon: "error" | "orphan"; label: string }) {
  return (
    <span class={`mark ${icon}`} role="img" aria-label={label} title={label}>
      <Icon name={icon} />
    </span>
  );
}

/** Edges beyond the window are cut here: browsers draw boxes of a billion pixels wrongly. */
const BEYOND = 0.01;

interface BarProps {
  from: number;
  durationNano: number;
  timeWindow: TimeWindow;
  /** Classes for the colour and the state. */
  look: string;
}

function Bar({ from, durationNano, timeWindow, look }: BarProps) {
  const left = Math.max(-BEYOND, fractionAt(timeWindow, from));
  const right = Math.min(1 + BEYOND, fractionAt(timeWindow, from + durationNano));
  if (right < 0 || left > 1) return <i class={`beyond ${look} ${right < 0 ? "before" : "after"}`} />;
  return <i class={`bar ${look}`} style={{ left: `${100 * left}%`, width: `${100 * (right - left)}%` }} />;
}
