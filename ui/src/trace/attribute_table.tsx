import type { Attributes } from "../data/span_detail";
import { formatCount, formatValue } from "../format";
import { CopyButton } from "../frame/copy_button";

interface AttributeTableProps {
  title: string;
  attributes: Attributes;
  filter: string;
  /** Attributes the sender left out (OTLP: dropped_attributes_count). */
  dropped?: number;
}

/** Keys and values that match the filter, each to be copied; nothing when there are none. */
export function AttributeTable({ title, attributes, filter, dropped = 0 }: AttributeTableProps) {
  const shown = matching(attributes, filter);
  if (shown.length === 0 && dropped === 0) return null;
  const count = shown.length === attributes.length ? shown.length : `${shown.length} of ${attributes.length}`;
  return (
    <details open class="section">
      <summary>
        {title} <span class="count">{count}</span>
      </summary>
      <AttributeRows attributes={shown} />
      {dropped > 0 && <p class="dropped">The sender left out {formatCount(dropped)} more.</p>}
    </details>
  );
}

export function AttributeRows({ attributes }: { attributes: Attributes }) {
  return (
    <table class="attributes">
      <tbody>
        {attributes.map(([key, value]) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            <td>
              <Value value={value} />
            </td>
            <td class="copy">
              <CopyButton text={formatValue(value)} label={`Copy the value of ${key}`} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ value }: { value: unknown }) {
  const text = formatValue(value);
  if (typeof value !== "string") return <code class="typed">{text}</code>;
  if (text === "") return <span class="empty">empty</span>;
  return <span class={text.includes("\n") ? "lines" : ""}>{text}</span>;
}

export function matching(attributes: Attributes, filter: string): Attributes {
  const wanted = filter.trim().toLowerCase();
  if (wanted === "") return attributes;
  return attributes.filter(([key, value]) => `${key}\n${formatValue(value)}`.toLowerCase().includes(wanted));
}
