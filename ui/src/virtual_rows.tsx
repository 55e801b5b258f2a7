import type { ComponentChildren, HTMLAttributes, RefObject, VNode } from "preact";
import { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type RowWindow, rowWindow, scrollToShow, spacerHeight } from "./row_window";

export interface RowsHandle {
  showRow(row: number): void;
  scrollTo(scrollPx: number): void;
  focus(): void;
  /** Number of whole rows in view: the step of Page Up and Page Down. */
  pageRows(): number;
}

interface VirtualRowsProps {
  count: number;
  rowPx: number;
  headerPx: number;
  header: ComponentChildren;
  renderRows: (shown: RowWindow) => VNode;
  handle: RefObject<RowsHandle | null>;
  onScroll?: (scrollPx: number) => void;
  /** Called when the last row comes into view. */
  onEnd?: () => void;
  /** ARIA attributes, keys and class of the element that scrolls. */
  attributes: HTMLAttributes<HTMLDivElement>;
}

/**
 * Scrolls any number of rows of one height and draws only those in view.
 * The drawn rows stick to the view and are shifted with the scroll position, so that a quick scroll
 * never shows blank space.
 */
export function VirtualRows(props: VirtualRowsProps) {
  const { count, rowPx, headerPx, header, renderRows, handle, onScroll, onEnd, attributes } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ scrollPx: 0, viewPx: 0 });

  const measure = useCallback(() => {
    if (!scroller.current) return;
    const { scrollTop, clientHeight } = scroller.current;
    setView({ scrollPx: scrollTop, viewPx: Math.max(0, clientHeight - headerPx) });
  }, [headerPx]);

  useLayoutEffect(() => {
    if (!scroller.current) return;
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current);
    measure();
    return () => observer.disconnect();
  }, [measure]);

  useImperativeHandle(handle, () => ({
    showRow(row) {
      if (!scroller.current) return;
      const { scrollTop, clientHeight } = scroller.current;
      scroller.current.scrollTop = scrollToShow(row, count, rowPx, clientHeight - headerPx, scrollTop);
    },
    scrollTo(scrollPx) {
      if (scroller.current) scroller.current.scrollTop = scrollPx;
    },
    focus: () => scroller.current?.focus({ preventScroll: true }),
    pageRows: () => Math.max(1, Math.floor(view.viewPx / rowPx) - 1),
  }));

  const shown = rowWindow(count, rowPx, view.viewPx, view.scrollPx);
  const atEnd = view.viewPx > 0 && shown.end === count;
  // biome-ignore lint/correctness/useExhaustiveDependencies: called once per end that is reached, not per render
  useEffect(() => {
    if (atEnd) onEnd?.();
  }, [atEnd, count]);

  return (
    <div
      {...attributes}
      ref={scroller}
      onScroll={() => {
        measure();
        if (scroller.current) onScroll?.(scroller.current.scrollTop);
      }}
    >
      {header}
      <div role="presentation" style={{ height: `${spacerHeight(count, rowPx)}px` }}>
        <div
          role="presentation"
          class="rows-view"
          style={{ top: `${headerPx}px`, height: `${view.viewPx}px` }}
        >
          <div role="rowgroup" style={{ transform: `translateY(${shown.shiftPx}px)` }}>
            {renderRows(shown)}
          </div>
        </div>
      </div>
    </div>
  );
}
