import type { SpanDetail } from "../data/span_detail";
import { formatCount, formatDuration, formatInstant } from "../format";
import { AttributeRows, matching } from "./attribute_table";

/** The events of a span, on its own time axis and as a list. */
export function SpanEvents({ span, filter }: { span: SpanDetail; filter: string }) {
  if (span.events.length === 0 && span.dropped.events === 0) return null;
  const offsetNano = (unixNano: bigint) => Number(unixNano - span.startUnixNano);
  const position = (unixNano: bigint) =>
    span.durationNano > 0 ? Math.max(0, Math.min(100, (100 * offsetNano(unixNano)) / span.durationNano)) : 0;
  return (
    <details open class="section">
      <summary>
        Events <span class="count">{span.events.length}</span>
      </summary>
      <div class="event-axis" aria-hidden="true">
        {span.events.map((event, i) => (
          <i
            key={i}
            class={event.name === "exception" ? "failed" : ""}
            style={{ left: `${position(event.timeUnixNano)}%` }}
            title={event.name}
          />
        ))}
      </div>
      {span.events.map((event, i) => (
        <section key={i} class="event">
          <h3>
            <span class={event.name === "exception" ? "problem" : ""}>{event.name}</span>
            <time title={formatInstant(event.timeUnixNano)}>
              +{formatDuration(offsetNano(event.timeUnixNano))}
            </time>
          </h3>
          <AttributeRows attributes={matching(event.attributes, filter)} />
        </section>
      ))}
      {span.dropped.events > 0 && (
        <p class="dropped">The sender left out {formatCount(span.dropped.events)} more.</p>
      )}
    </details>
  );
}
