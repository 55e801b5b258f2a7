/** The part of the trace that the timeline shows, in nanoseconds since the start of the trace. */
export interface TimeWindow {
  from: number;
  to: number;
}

/** A zoom stops here: less than this cannot be told apart on screen. */
export const WINDOW_MIN_NANO = 100;

/** The nearest window that lies within [0, total] and is not shorter than the minimum. */
export function clampWindow({ from, to }: TimeWindow, totalNano: number): TimeWindow {
  const length = Math.min(Math.max(to - from, WINDOW_MIN_NANO), Math.max(totalNano, WINDOW_MIN_NANO));
  const start = Math.max(0, Math.min(from, totalNano - length));
  return { from: start, to: start + length };
}

/** Zooms by `factor` (below 1: closer) so that the instant `at` stays where it is. */
export function zoomWindow(
  timeWindow: TimeWindow,
  factor: number,
  at: number,
  totalNano: number,
): TimeWindow {
  const from = at - (at - timeWindow.from) * factor;
  const to = at + (timeWindow.to - at) * factor;
  return clampWindow({ from, to }, totalNano);
}

/** Moves the window by a part of its own length. */
export function panWindow(timeWindow: TimeWindow, part: number, totalNano: number): TimeWindow {
  const shift = (timeWindow.to - timeWindow.from) * part;
  return clampWindow({ from: timeWindow.from + shift, to: timeWindow.to + shift }, totalNano);
}

/** Where an instant lies in the window: 0 at its left edge, 1 at its right edge. */
export const fractionAt = (timeWindow: TimeWindow, nano: number): number =>
  (nano - timeWindow.from) / (timeWindow.to - timeWindow.from);

/** Round instants for a time ruler, at most `count` of them, the left edge included when it is round. */
export function ticks(timeWindow: TimeWindow, count: number): number[] {
  const step = roundStep((timeWindow.to - timeWindow.from) / count);
  const found: number[] = [];
  for (let i = Math.ceil(timeWindow.from / step); i * step <= timeWindow.to; i++) found.push(i * step);
  return found;
}

/** The smallest of 1, 2, 5, 10, 20, 50 … that is at least `nano`. */
function roundStep(nano: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(nano));
  return magnitude * ([1, 2, 5].find((factor) => factor * magnitude >= nano) ?? 10);
}
