import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TraceColumns } from "../data/trace_columns";
import { formatDuration } from "../format";
import { theme } from "../frame/theme";
import { useStore } from "../store";
import { useMediaQuery } from "../use_media_query";
import { EMPTY, ERROR, rasterise } from "./overview_raster";
import { readPalette } from "./palette";
import { clampWindow, fractionAt, type TimeWindow } from "./time_window";
import type { TraceTree } from "./trace_tree";
import { useBrush } from "./use_brush";

interface OverviewProps {
  trace: TraceColumns;
  tree: TraceTree;
  slots: Uint8Array;
  timeWindow: TimeWindow;
  whole: TimeWindow;
  onWindow: (timeWindow: TimeWindow) => void;
}

const HEIGHT_PX = 54;

/** The whole trace in a strip; dragging over it zooms the timeline, a double click shows all again. */
export function Overview({ trace, tree, slots, timeWindow, whole, onWindow }: OverviewProps) {
  const strip = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = Math.floor(useWidth(strip) * devicePixelRatio);
  const height = Math.floor(HEIGHT_PX * devicePixelRatio);
  const colours = `${useStore(theme)} ${useMediaQuery("(prefers-color-scheme: dark)")}`;
  const cells = useMemo(() => rasterise(trace, tree, width, height), [trace, tree, width, height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: other colours mean drawing again
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!canvas.current || !context || width === 0) return;
    const palette = readPalette(canvas.current);
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    cells.forEach((cell, i) => {
      if (cell !== EMPTY) pixels[i] = cell === ERROR ? palette.error : palette.series[slots[cell]];
    });
    context.putImageData(image, 0, 0);
  }, [cells, slots, width, height, colours]);

  const at = (fraction: number) => fraction * whole.to;
  const { brush, handlers } = useBrush(({ from, to }) =>
    onWindow(clampWindow({ from: at(from), to: at(to) }, whole.to)),
  );
  const shown = brush ?? { from: fractionAt(whole, timeWindow.from), to: fractionAt(whole, timeWindow.to) };
  const isWhole = shown.from <= 0 && shown.to >= 1;
  const label = `${formatDuration(at(shown.from))} to ${formatDuration(at(shown.to))}`;
  return (
    <div class="overview">
      <div
        ref={strip}
        class="overview-strip"
        role="img"
        aria-label={`Overview of the trace, showing ${label}`}
        onDblClick={() => onWindow(whole)}
        {...handlers}
      >
        <canvas ref={canvas} width={width} height={height} />
        {!isWhole && (
          <>
            <i class="outside" style={{ left: 0, width: `${100 * shown.from}%` }} />
            <i class="outside" style={{ left: `${100 * shown.to}%`, right: 0 }} />
            <i
              class="inside"
              style={{ left: `${100 * shown.from}%`, width: `${100 * (shown.to - shown.from)}%` }}
            />
          </>
        )}
      </div>
    </div>
  );
}

function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
