import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getServices, type ServiceCounts } from "../data/trace_summaries";
import { formatCount } from "../format";
import {
  filterFromQuery,
  filterToQuery,
  filterToRequest,
  isNarrowed,
  type Last,
  type TimeRange,
  type TraceFilter,
} from "./trace_filter";

interface FilterBarProps {
  filter: TraceFilter;
  /** `replace` is true while a text is being typed: that makes no history entries. */
  onChange: (filter: TraceFilter, replace: boolean) => void;
  children: ComponentChildren;
}

const RANGES: Record<Last | "fixed", string> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "24h": "Last 24 hours",
  fixed: "Custom range",
};

export function FilterBar({ filter, onChange, children }: FilterBarProps) {
  const services = useServices(filter);
  const { range } = filter;
  const set = (change: Partial<TraceFilter>, replace = false) => onChange({ ...filter, ...change }, replace);
  return (
    <form
      class="filter-bar"
      role="search"
      aria-label="Filter traces"
      onSubmit={(event) => event.preventDefault()}
    >
      <select
        aria-label="Time range"
        value={range.kind === "last" ? range.last : "fixed"}
        onChange={(event) => set({ range: chosenRange(event.currentTarget.value as Last | "fixed") })}
      >
        {Object.entries(RANGES).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {range.kind === "fixed" && <FixedRange range={range} onChange={(changed) => set({ range: changed })} />}
      <select
        aria-label="Service"
        class={filter.service ? "set" : ""}
        value={filter.service}
        onChange={(event) => set({ service: event.currentTarget.value })}
      >
        <option value="">All services</option>
        {withChosen(services, filter.service).map(({ name, spans }) => (
          <option key={name} value={name}>
            {spans > 0 ? `${name} (${formatCount(spans)})` : name}
          </option>
        ))}
      </select>
      <TextCondition label="Unit" value={filter.unit} onChange={(unit) => set({ unit }, true)} />
      <TextCondition label="Span name" value={filter.name} onChange={(name) => set({ name }, true)} />
      <TextCondition
        label="Min ms"
        inputMode="decimal"
        pattern="[0-9]*[.]?[0-9]*"
        value={filter.minDurationMs}
        onChange={(minDurationMs) => set({ minDurationMs }, true)}
      />
      <label class={filter.errors ? "toggle set" : "toggle"}>
        <input
          type="checkbox"
          checked={filter.errors}
          onChange={(event) => set({ errors: event.currentTarget.checked })}
        />
        Errors only
      </label>
      {isNarrowed(filter) && (
        <button
          type="button"
          class="quiet"
          onClick={() => set({ service: "", unit: "", name: "", minDurationMs: "", errors: false })}
        >
          Clear
        </button>
      )}
      <span class="spacer" />
      {children}
    </form>
  );
}

const HOUR_MS = 3_600_000;

function chosenRange(value: Last | "fixed"): TimeRange {
  if (value !== "fixed") return { kind: "last", last: value };
  const now = Date.now();
  return { kind: "fixed", start: new Date(now - HOUR_MS).toISOString(), end: new Date(now).toISOString() };
}

interface FixedRangeProps {
  range: TimeRange & { kind: "fixed" };
  onChange: (range: TimeRange) => void;
}

function FixedRange({ range, onChange }: FixedRangeProps) {
  const side = (name: "start" | "end", label: string) => (
    <input
      type="datetime-local"
      aria-label={label}
      value={toLocalInput(range[name])}
      onChange={(event) => onChange({ ...range, [name]: fromLocalInput(event.currentTarget.value) })}
    />
  );
  return (
    <>
      {side("start", "From")}
      <span aria-hidden="true">to</span>
      {side("end", "To")}
    </>
  );
}

/** RFC 3339 in UTC to what a datetime-local input holds: local time without a zone. */
function toLocalInput(instant: string): string {
  if (instant === "") return "";
  const date = new Date(instant);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const fromLocalInput = (local: string): string => (local === "" ? "" : new Date(local).toISOString());

interface TextConditionProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  inputMode?: "text" | "decimal";
  pattern?: string;
}

const TYPING_PAUSE_MS = 300;

/** A text input that reports its value when the typing pauses and the value is valid. */
function TextCondition({ label, value, onChange, inputMode = "text", pattern }: TextConditionProps) {
  const [draft, setDraft] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latestOnChange = useRef(onChange);
  latestOnChange.current = onChange;
  // A space at the end stays: another word may follow.
  useEffect(() => setDraft((current) => (current.trim() === value ? current : value)), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const type = (input: HTMLInputElement) => {
    setDraft(input.value);
    clearTimeout(timer.current);
    if (!input.validity.valid) return;
    timer.current = setTimeout(() => latestOnChange.current(input.value.trim()), TYPING_PAUSE_MS);
  };
  return (
    <input
      type="text"
      class={value ? "condition set" : "condition"}
      aria-label={label}
      placeholder={label}
      inputMode={inputMode}
      {...(pattern ? { pattern } : {})}
      spellcheck={false}
      value={draft}
      onInput={(event) => type(event.currentTarget)}
    />
  );
}

/** The services of the chosen time range; without the answer the list just stays short. */
function useServices(filter: TraceFilter): ServiceCounts[] {
  const [services, setServices] = useState<ServiceCounts[]>([]);
  const rangeQuery = filterToQuery({ ...filterFromQuery(""), range: filter.range });
  useEffect(() => {
    const abort = new AbortController();
    const params = filterToRequest(filterFromQuery(rangeQuery), Date.now());
    getServices(params, abort.signal).then(setServices, () => {});
    return () => abort.abort();
  }, [rangeQuery]);
  return services;
}

function withChosen(services: ServiceCounts[], chosen: string): ServiceCounts[] {
  if (chosen === "" || services.some(({ name }) => name === chosen)) return services;
  return [...services, { name: chosen, spans: 0, errors: 0 }];
}
