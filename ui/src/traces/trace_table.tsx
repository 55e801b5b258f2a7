import type { RefObject } from "preact";
import type { TraceSummary } from "../data/trace_summaries";
import { formatCount, formatDuration, formatInstant, formatLocal } from "../format";
import { Icon } from "../frame/icon";
import { navigate, traceHref } from "../router";
import type { RowWindow } from "../row_window";
import { serviceClass } from "../service_colour";
import { runKey } from "../use_keys";
import { useMediaQuery } from "../use_media_query";
import { type RowsHandle, VirtualRows } from "../virtual_rows";

interface TraceTableProps {
  rows: TraceSummary[];
  hasOlder: boolean;
  /** Called when the last loaded row comes into view. */
  onEnd: () => void;
  handle: RefObject<RowsHandle | null>;
  onScroll: (scrollPx: number) => void;
  selectedId: string | null;
  onSelect: (traceId: string | null) => void;
}

/** Keep in step with .trace-row in styles/trace_table.css. */
const ROW_PX = 36;
const ROW_NARROW_PX = 62;
const HEADER_PX = 30;
const COLUMNS = ["Time", "Root span", "Duration", "Spans", "Errors", "Services", "Unit"];

export function TraceTable({
  rows,
  hasOlder,
  onEnd,
  handle,
  onScroll,
  selectedId,
  onSelect,
}: TraceTableProps) {
  const narrow = useMediaQuery("(max-width: 760px)");
  const selected = rows.findIndex((trace) => trace.traceId === selectedId);
  const longestNano = rows.reduce((longest, trace) => Math.max(longest, trace.durationNano), 0);

  const select = (row: number) => {
    const bounded = Math.max(0, Math.min(rows.length - 1, row));
    onSelect(rows[bounded].traceId);
    handle.current?.showRow(bounded);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = handle.current?.pageRows() ?? 1;
    runKey(event, {
      ArrowDown: () => select(selected + 1),
      ArrowUp: () => select(selected - 1),
      PageDown: () => select(selected + page),
      PageUp: () => select(selected - page),
      Home: () => select(0),
      End: () => select(rows.length - 1),
      Enter: () => selected >= 0 && navigate(traceHref(rows[selected].traceId)),
      Escape: () => onSelect(null),
    });
  };

  const renderRows = ({ first, end }: RowWindow) => (
    <>
      {rows.slice(first, end).map((trace, i) => (
        <TraceRow
          key={trace.traceId}
          trace={trace}
          index={first + i}
          isSelected={first + i === selected}
          longestNano={longestNano}
        />
      ))}
    </>
  );
  return (
    <VirtualRows
      count={rows.length}
      rowPx={narrow ? ROW_NARROW_PX : ROW_PX}
      headerPx={narrow ? 0 : HEADER_PX}
      header={!narrow && <HeaderRow />}
      renderRows={renderRows}
      handle={handle}
      onScroll={onScroll}
      onEnd={onEnd}
      attributes={{
        class: "trace-table",
        role: "grid",
        tabIndex: 0,
        "aria-label": "Traces, newest first",
        "aria-rowcount": hasOlder ? -1 : rows.length + 1,
        onKeyDown,
        ...(selected >= 0 ? { "aria-activedescendant": `trace-${selectedId}` } : {}),
      }}
    />
  );
}

function HeaderRow() {
  return (
    <div class="trace-row header" role="row" aria-rowindex={1}>
      {COLUMNS.map((column) => (
        <span
          key={column}
          role="columnheader"
          class={column === "Spans" || column === "Errors" ? "figure" : ""}
        >
          {column}
        </span>
      ))}
    </div>
  );
}

interface TraceRowProps {
  trace: TraceSummary;
  index: number;
  isSelected: boolean;
  longestNano: number;
}

function TraceRow({ trace, index, isSelected, longestNano }: TraceRowProps) {
  const share = longestNano > 0 ? (100 * trace.durationNano) / longestNano : 0;
  return (
    <div
      id={`trace-${trace.traceId}`}
      class={isSelected ? "trace-row selected" : "trace-row"}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
    >
      <span role="gridcell" class="time">
        <time title={formatInstant(trace.startUnixNano)}>{formatLocal(trace.startUnixNano)}</time>
      </span>
      <span role="gridcell" class="root">
        <a href={traceHref(trace.traceId)} tabIndex={-1} title={`${trace.rootService} · ${trace.rootName}`}>
          <i class={`dot ${serviceClass(trace.rootService)}`} />
          <span class="service">{trace.rootService}</span>
          <span class="name">{trace.rootName}</span>
        </a>
      </span>
      <span role="gridcell" class="duration">
        <b>{formatDuration(trace.durationNano)}</b>
        <i class="meter" aria-hidden="true">
          <i style={{ width: `${share}%` }} />
        </i>
      </span>
      <span role="gridcell" class="figure spans">
        {formatCount(trace.spans)}
      </span>
      <span role="gridcell" class={trace.errors > 0 ? "figure errors problem" : "figure errors"}>
        {trace.errors > 0 && <Icon name="error" />}
        {trace.errors > 0 && formatCount(trace.errors)}
      </span>
      <span role="gridcell" class="services" title={trace.services.join("\n")}>
        {trace.services.length} · {trace.services.join(", ")}
      </span>
      <span role="gridcell" class="unit" title={trace.unit ?? ""}>
        {trace.unit ?? "–"}
      </span>
    </div>
  );
}
