import type { TraceColumns } from "../data/trace_columns";
import { formatCount, formatDuration, formatInstant, formatLocal } from "../format";
import { CopyButton } from "../frame/copy_button";
import { Fact } from "../frame/fact";
import { Icon, IconButton } from "../frame/icon";
import { BASE } from "../router";
import { serviceClass } from "../service_colour";
import type { TraceTree } from "./trace_tree";

interface TraceHeaderProps {
  trace: TraceColumns;
  tree: TraceTree;
  /** Row of the span that names the trace. */
  root: number;
  errors: number;
  onReload: () => void;
}

/** What the trace is and how it went, in one line of facts. */
export function TraceHeader({ trace, tree, root, errors, onReload }: TraceHeaderProps) {
  const service = trace.services[trace.service[root]];
  return (
    <header class="trace-header">
      <div class="trace-title">
        <a class="icon-button" href={BASE} title="All traces" aria-label="All traces">
          <Icon name="back" />
        </a>
        <h1 title={trace.names[trace.name[root]]}>
          <i class={`dot ${serviceClass(service)}`} />
          <span class="service">{service}</span>
          <span class="name">{trace.names[trace.name[root]]}</span>
        </h1>
        <span class="trace-id">
          <code>{trace.traceId}</code>
          <CopyButton text={trace.traceId} label="Copy trace id" />
          <IconButton icon="reset" label="Load the trace again (r)" onClick={onReload} />
        </span>
      </div>
      <dl class="facts">
        <Fact name="Started">
          <time title={formatInstant(trace.startUnixNano)}>{formatLocal(trace.startUnixNano)}</time>
        </Fact>
        <Fact name="Duration">{formatDuration(trace.durationNano)}</Fact>
        <Fact name="Spans">{formatCount(trace.rows)}</Fact>
        <Fact name="Services">{formatCount(trace.services.length)}</Fact>
        <Fact name="Depth">{formatCount(tree.depthMax + 1)}</Fact>
        <Fact name="Errors">
          <span class={errors > 0 ? "problem" : ""}>{formatCount(errors)}</span>
        </Fact>
        {trace.units.length > 0 && (
          <Fact name={trace.units.length === 1 ? "Unit" : "Units"}>
            <span title={trace.units.join("\n")}>
              {trace.units.slice(0, 3).join(", ")}
              {trace.units.length > 3 && ` and ${trace.units.length - 3} more`}
            </span>
          </Fact>
        )}
      </dl>
    </header>
  );
}
