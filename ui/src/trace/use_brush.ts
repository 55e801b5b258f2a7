import { useState } from "preact/hooks";

/** A part of an element's width, as fractions. */
export interface Brush {
  from: number;
  to: number;
}

/** Shorter drags are clicks. */
const DRAG_MIN_PX = 4;

/** Lets the reader drag over an element's width; `onBrush` gets the part that was covered. */
export function useBrush(onBrush: (brush: Brush) => void) {
  const [anchor, setAnchor] = useState<number | null>(null);
  const [brush, setBrush] = useState<Brush | null>(null);

  const onPointerDown = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setAnchor(fractionOf(event));
  };
  const onPointerMove = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (anchor === null) return;
    const at = fractionOf(event);
    const isDrag = Math.abs(at - anchor) * event.currentTarget.clientWidth >= DRAG_MIN_PX;
    setBrush(isDrag ? { from: Math.min(anchor, at), to: Math.max(anchor, at) } : null);
  };
  const onPointerUp = () => {
    if (brush) onBrush(brush);
    setAnchor(null);
    setBrush(null);
  };
  return { brush, handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp } };
}

function fractionOf(event: PointerEvent & { currentTarget: HTMLElement }): number {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  return Math.max(0, Math.min(1, (event.clientX - left) / width));
}
