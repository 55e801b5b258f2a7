import type { SpanDetail } from "../data/span_detail";
import { formatCount } from "../format";
import { traceHref } from "../router";
import { AttributeRows, matching } from "./attribute_table";

/** Links to spans of other traces. */
export function SpanLinks({ span, filter }: { span: SpanDetail; filter: string }) {
  if (span.links.length === 0 && span.dropped.links === 0) return null;
  return (
    <details open class="section">
      <summary>
        Links <span class="count">{span.links.length}</span>
      </summary>
      {span.links.map((link, i) => (
        <section key={i} class="event">
          <h3>
            <a href={traceHref(link.traceId, link.spanId)}>
              <code>{link.traceId}</code>
            </a>
          </h3>
          <AttributeRows attributes={matching(link.attributes, filter)} />
        </section>
      ))}
      {span.dropped.links > 0 && (
        <p class="dropped">The sender left out {formatCount(span.dropped.links)} more.</p>
      )}
    </details>
  );
}
