import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { STATUS_ERROR, type TraceColumns } from "../data/trace_columns";
import { plural } from "../format";
import { Icon } from "../frame/icon";
import { serviceSlots } from "../service_colour";
import { useKeys } from "../use_keys";
import type { RowsHandle } from "../virtual_rows";
import { KeyHelp } from "./key_help";
import { Overview } from "./overview";
import { SpanPanel } from "./span_panel";
import { panWindow, type TimeWindow, WINDOW_MIN_NANO, zoomWindow } from "./time_window";
import { TraceHeader } from "./trace_header";
import { rootRow } from "./trace_root";
import { nextMatch, searchSpans } from "./trace_search";
import { TraceToolbar } from "./trace_toolbar";
import { lastAtMost, positionsWhere, type TraceTree } from "./trace_tree";
import { withAllClosed, withAllOpen } from "./trace_view";
import { useSpanSelection } from "./use_span_selection";
import { Waterfall } from "./waterfall";

interface TraceScreenProps {
  trace: TraceColumns;
  tree: TraceTree;
  onReload: () => void;
}

const ZOOM_STEP = 0.6;
const PAN_STEP = 0.2;

/** One trace: header, overview, waterfall and the details of the selected span. */
export function TraceScreen({ trace, tree, onReload }: TraceScreenProps) {
  const whole: TimeWindow = useMemo(
    () => ({ from: 0, to: Math.max(trace.durationNano, WINDOW_MIN_NANO) }),
    [trace],
  );
  const root = useMemo(() => rootRow(trace, tree), [trace, tree]);
  const slots = useMemo(() => serviceSlots(trace.services), [trace]);
  const errors = useMemo(
    () => positionsWhere(tree, (row) => trace.status[row] === STATUS_ERROR),
    [trace, tree],
  );
  const { view, setView, visible, isPanelOpen, select, openPanel, closePanel } = useSpanSelection(
    trace,
    tree,
  );
  const [timeWindow, setWindow] = useState(whole);
  const [search, setSearch] = useState("");
  const [isHelpOpen, setHelpOpen] = useState(false);
  const rows = useRef<RowsHandle>(null);
  const searchInput = useRef<HTMLInputElement>(null);
  const matches = useMemo(() => searchSpans(trace, tree, search), [trace, tree, search]);
  const { selected } = view;

  useEffect(() => {
    document.title = `${trace.names[trace.name[root]]} · Tollspan`;
    rows.current?.focus();
  }, [trace, root]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: opening or closing a subtree must not scroll
  useEffect(() => {
    if (selected >= 0) rows.current?.showRow(lastAtMost(visible, selected));
  }, [selected]);

  const zoom = (factor: number) =>
    setWindow((current) => zoomWindow(current, factor, (current.from + current.to) / 2, whole.to));
  const pan = (part: number) => setWindow((current) => panWindow(current, part, whole.to));
  const closeAll = () => setView(withAllClosed(tree, view));
  const openAll = () => setView(withAllOpen(tree, view));
  const focusRows = () => rows.current?.focus();
  const leavePanel = () => {
    closePanel();
    focusRows();
  };
  const stepBack = () => {
    if (isPanelOpen) closePanel();
    else if (search !== "") setSearch("");
    else setWindow(whole);
    focusRows();
  };

  useKeys({
    "/": () => searchInput.current?.focus(),
    "?": () => setHelpOpen(true),
    n: () => select(nextMatch(matches, selected, 1)),
    N: () => select(nextMatch(matches, selected, -1)),
    e: () => select(nextMatch(errors, selected, 1)),
    E: () => select(nextMatch(errors, selected, -1)),
    "+": () => zoom(ZOOM_STEP),
    "-": () => zoom(1 / ZOOM_STEP),
    "0": () => setWindow(whole),
    "[": closeAll,
    "]": openAll,
    r: onReload,
    Escape: stepBack,
    "Shift+ArrowLeft": () => pan(-PAN_STEP),
    "Shift+ArrowRight": () => pan(PAN_STEP),
  });

  const shared = { trace, tree, slots };
  const zoomable = { timeWindow, whole, onWindow: setWindow };
  return (
    <main class="trace">
      <TraceHeader trace={trace} tree={tree} root={root} errors={errors.length} onReload={onReload} />
      <TraceToolbar
        search={search}
        onSearch={setSearch}
        searchInput={searchInput}
        onLeaveSearch={focusRows}
        matches={matches}
        errors={errors}
        selected={selected}
        onSelect={select}
        onCloseAll={closeAll}
        onOpenAll={openAll}
        isZoomed={timeWindow.from !== whole.from || timeWindow.to !== whole.to}
        onResetZoom={() => setWindow(whole)}
        onHelp={() => setHelpOpen(true)}
      />
      {trace.orphans.length > 0 && <OrphanNotice count={trace.orphans.length} />}
      <Overview {...shared} {...zoomable} />
      <div class="trace-body">
        <Waterfall
          {...shared}
          {...zoomable}
          visible={visible}
          matches={search === "" ? null : matches}
          view={view}
          onView={setView}
          onOpen={openPanel}
          handle={rows}
        />
        {isPanelOpen && selected >= 0 && (
          <SpanPanel {...shared} position={selected} onSelect={select} onClose={leavePanel} />
        )}
      </div>
      {isHelpOpen && <KeyHelp onClose={() => setHelpOpen(false)} />}
    </main>
  );
}

function OrphanNotice({ count }: { count: number }) {
  return (
    <p class="banner">
      <Icon name="orphan" /> {plural(count, "span names", "spans name")} a parent that has not arrived. Shown
      at the top level and marked.
    </p>
  );
}
