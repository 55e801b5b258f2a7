/** Units of time, largest first, with their length in nanoseconds. */
const SECOND = 1e9;
const SMALL_UNITS: [string, number][] = [
  ["s", SECOND],
  ["ms", 1e6],
  ["µs", 1e3],
];

/** Three significant digits, without an exponent: 1.23, 12.3, 123. */
function threeDigits(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

/** A duration as people read it: `850 ns`, `12.3 ms`, `1.23 s`, `2 m 03 s`, `1 h 02 m`. */
export function formatDuration(nano: number): string {
  if (nano < 0) return `−${formatDuration(-nano)}`;
  const seconds = Math.round(nano / SECOND);
  if (seconds >= 60) return formatMinutes(seconds);
  for (const [unit, length] of SMALL_UNITS) {
    // 999.6 µs would round to 1000 µs; it is shown in the next unit instead.
    if (nano >= length * 0.9995) return `${threeDigits(nano / length)} ${unit}`;
  }
  return `${Math.round(nano)} ns`;
}

function formatMinutes(seconds: number): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${pad(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} m`;
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`;
}

/** A round instant on a time axis, with all the digits that tell it from its neighbours: `500 ms`, `1.5 s`. */
export function formatTick(nano: number): string {
  if (nano === 0) return "0";
  if (nano >= 60 * SECOND && nano % SECOND === 0) return formatDuration(nano);
  const [unit, length] = SMALL_UNITS.find(([, least]) => nano >= least) ?? ["ns", 1];
  return `${Number((nano / length).toPrecision(12))} ${unit}`;
}

/** A part of a whole in percent, or nothing when there is no whole. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return "";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  return `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)}%`;
}

const counts = new Intl.NumberFormat("en");

export const formatCount = (count: number): string => counts.format(count);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

const unixMs = (unixNano: bigint): number => Number(unixNano / 1_000_000n);

/** The instant in UTC with all nine digits, for tooltips and copying. */
export function formatInstant(unixNano: bigint): string {
  const seconds = new Date(unixMs(unixNano)).toISOString().slice(0, 19);
  return `${seconds}.${String(unixNano % 1_000_000_000n).padStart(9, "0")}Z`;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** The instant in the local time zone; the date is left out when it is today. */
export function formatLocal(unixNano: bigint, now = new Date()): string {
  const date = new Date(unixMs(unixNano));
  if (date.toDateString() === now.toDateString()) return clock.format(date);
  const dayOf = date.getFullYear() === now.getFullYear() ? day : dayAndYear;
  return `${dayOf.format(date)} ${clock.format(date)}`;
}

/** An attribute value as text: strings as they are, everything else as JSON. */
export function formatValue(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
