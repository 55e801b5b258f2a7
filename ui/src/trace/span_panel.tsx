import { useEffect, useState } from "preact/hooks";
import { explain } from "../data/http";
import { getSpan, type SpanDetail } from "../data/span_detail";
import { STATUS_ERROR, type TraceColumns } from "../data/trace_columns";
import { formatDuration, formatInstant, formatLocal, formatShare } from "../format";
import { CopyButton } from "../frame/copy_button";
import { Fact } from "../frame/fact";
import { Icon, IconButton } from "../frame/icon";
import { AttributeTable } from "./attribute_table";
import { selfTimeNano } from "./self_time";
import { SpanEvents } from "./span_events";
import { SpanLinks } from "./span_links";
import type { TraceTree } from "./trace_tree";

interface SpanPanelProps {
  trace: TraceColumns;
  tree: TraceTree;
  slots: Uint8Array;
  position: number;
  onSelect: (position: number) => void;
  onClose: () => void;
}

/** OTLP 1.11, Span.SpanKind. */
const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUSES = ["unset", "ok", "error"];

/** Everything about one span. Times come from the trace at once, the rest when the gateway answers. */
export function SpanPanel({ trace, tree, slots, position, onSelect, onClose }: SpanPanelProps) {
  const row = tree.rowAt[position];
  const { span, problem } = useSpan(trace.traceId, trace.spanIds[row]);
  const [filter, setFilter] = useState("");
  const parentNano =
    tree.parent[position] < 0 ? 0 : trace.spanDurationNano[tree.rowAt[tree.parent[position]]];
  const durationNano = trace.spanDurationNano[row];
  const service = trace.services[trace.service[row]];
  return (
    <aside class="span-panel" aria-label="Span details">
      <header>
        <h2>
          <i class={`dot series-${slots[trace.service[row]]}`} />
          <span class="service">{service}</span> {trace.names[trace.name[row]]}
        </h2>
        <IconButton icon="close" label="Close (Esc)" onClick={onClose} />
      </header>
      <dl class="facts">
        <Fact name="Start">+{formatDuration(trace.offsetNano[row])}</Fact>
        <Fact name="Duration">{formatDuration(durationNano)}</Fact>
        <Fact name="Self">{formatDuration(selfTimeNano(trace, tree, position))}</Fact>
        <Fact name="Of parent">{formatShare(durationNano, parentNano) || "–"}</Fact>
        <Fact name="Of trace">{formatShare(durationNano, trace.durationNano)}</Fact>
      </dl>
      {problem && (
        <p class="banner problem" role="alert">
          <Icon name="error" /> {problem}
        </p>
      )}
      {span && (
        <div class="span-detail">
          <Identity
            span={span}
            onParent={tree.parent[position] < 0 ? null : () => onSelect(tree.parent[position])}
          />
          <input
            type="text"
            class="attribute-filter"
            aria-label="Filter attributes"
            placeholder="Filter attributes"
            spellcheck={false}
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
          <AttributeTable
            title="Attributes"
            attributes={span.attributes}
            filter={filter}
            dropped={span.dropped.attributes}
          />
          <SpanEvents span={span} filter={filter} />
          <SpanLinks span={span} filter={filter} />
          <AttributeTable title="Resource" attributes={span.resourceAttributes} filter={filter} />
          <AttributeTable
            title="Instrumentation scope"
            attributes={[
              ["name", span.instrumentationScope.name],
              ["version", span.instrumentationScope.version],
              ...span.instrumentationScope.attributes,
            ]}
            filter={filter}
          />
        </div>
      )}
    </aside>
  );
}

function Identity({ span, onParent }: { span: SpanDetail; onParent: (() => void) | null }) {
  const failed = span.status === STATUS_ERROR;
  return (
    <dl class="identity-list">
      <Fact name="Status">
        <span class={failed ? "problem" : ""}>
          {STATUSES[span.status] ?? span.status}
          {span.statusMessage && `: ${span.statusMessage}`}
        </span>
      </Fact>
      <Fact name="Kind">{KINDS[span.kind] ?? span.kind}</Fact>
      <Fact name="Started">
        <time title={formatInstant(span.startUnixNano)}>{formatLocal(span.startUnixNano)}</time>
      </Fact>
      {span.unit !== null && <Fact name="Unit">{span.unit}</Fact>}
      {span.parentUnit !== null && <Fact name="Parent unit">{span.parentUnit}</Fact>}
      <Fact name="Span id">
        <code>{span.spanId}</code>
        <CopyButton text={span.spanId} label="Copy span id" />
      </Fact>
      {span.parentSpanId !== null && (
        <Fact name="Parent id">
          {onParent ? (
            <button type="button" class="link" onClick={onParent}>
              <code>{span.parentSpanId}</code>
            </button>
          ) : (
            <code title="This span has not arrived">{span.parentSpanId}</code>
          )}
        </Fact>
      )}
      {span.traceState && <Fact name="Trace state">{span.traceState}</Fact>}
    </dl>
  );
}

/** Moving quickly through the spans asks the gateway for the last one only. */
const SETTLE_MS = 60;

function useSpan(traceId: string, spanId: string): { span: SpanDetail | null; problem: string | null } {
  const [loaded, setLoaded] = useState<{ span: SpanDetail | null; problem: string | null }>({
    span: null,
    problem: null,
  });
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      getSpan(traceId, spanId, abort.signal).then(
        (span) => setLoaded({ span, problem: null }),
        (error) => !abort.signal.aborted && setLoaded({ span: null, problem: explain(error) }),
      );
    }, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [traceId, spanId]);
  // The details of the span before stay until the new ones are there, but never under another's name.
  return loaded.span && loaded.span.spanId !== spanId ? { span: null, problem: null } : loaded;
}
