/**
 * Browsers cut elements at about 17 million CSS pixels (Firefox, and Chromium on a screen with two
 * device pixels per CSS pixel). Longer lists are scrolled in a spacer of this height, proportionally.
 */
export const SPACER_MAX_PX = 15_000_000;

export interface RowWindow {
  /** First row to draw, and the row after the last. */
  first: number;
  end: number;
  /** Where the first row lies relative to the top of the view: zero or negative. */
  shiftPx: number;
}

export const spacerHeight = (rows: number, rowPx: number): number => Math.min(rows * rowPx, SPACER_MAX_PX);

/** Content pixels per scrolled pixel: 1 unless the list is longer than the spacer may be. */
function scrollRatio(rows: number, rowPx: number, viewPx: number): number {
  const scrollable = spacerHeight(rows, rowPx) - viewPx;
  return scrollable > 0 ? (rows * rowPx - viewPx) / scrollable : 1;
}

/** The rows of one fixed height that a view of `viewPx` shows when scrolled to `scrollPx`. */
export function rowWindow(rows: number, rowPx: number, viewPx: number, scrollPx: number): RowWindow {
  const contentMax = Math.max(0, rows * rowPx - viewPx);
  const content = Math.min(contentMax, Math.max(0, scrollPx) * scrollRatio(rows, rowPx, viewPx));
  const first = Math.floor(content / rowPx);
  const end = Math.min(rows, Math.ceil((content + viewPx) / rowPx));
  return { first, end, shiftPx: first * rowPx - content };
}

/** The scroll position at which `row` is in view: the nearest one, or with the row in the middle after a far jump. */
export function scrollToShow(
  row: number,
  rows: number,
  rowPx: number,
  viewPx: number,
  scrollPx: number,
): number {
  const ratio = scrollRatio(rows, rowPx, viewPx);
  const content = scrollPx * ratio;
  const highest = (row + 1) * rowPx - viewPx;
  const lowest = row * rowPx;
  const nearest = Math.min(Math.max(content, highest), lowest);
  const isFar = Math.abs(nearest - content) > viewPx;
  return (isFar ? (highest + lowest) / 2 : nearest) / ratio;
}
