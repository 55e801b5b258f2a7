import { useEffect, useRef, useState } from "preact/hooks";
import { followLive, type LiveState } from "../data/live";

export interface LiveView {
  state: LiveState | "off";
  spansPerSecond: number;
}

const RATE_EVERY_MS = 2_000;

/**
 * Follows the live stream while `on` and while the page can be seen (a browser allows six connections
 * to one host, so that forgotten tabs must not hold them), and calls `onArrival` when spans have come in.
 */
export function useLive(on: boolean, query: string, onArrival: () => void): LiveView {
  const [state, setState] = useState<LiveState>("connecting");
  const [spansPerSecond, setSpansPerSecond] = useState(0);
  const visible = usePageVisible();
  const arrived = useRef(0);
  const latestOnArrival = useRef(onArrival);
  latestOnArrival.current = onArrival;

  useEffect(() => {
    if (!on || !visible) return;
    const timer = setInterval(() => {
      setSpansPerSecond((1_000 * arrived.current) / RATE_EVERY_MS);
      arrived.current = 0;
    }, RATE_EVERY_MS);
    const stop = followLive(query, {
      onState: (next) => {
        setState(next);
        // Whatever came while the stream was down is fetched now.
        if (next === "live") latestOnArrival.current();
      },
      onSpans: ({ spans, dropped }) => {
        arrived.current += spans + dropped;
        latestOnArrival.current();
      },
    });
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [on, visible, query]);

  return { state: on ? state : "off", spansPerSecond };
}

function usePageVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const update = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", update);
    return () => document.removeEventListener("visibilitychange", update);
  }, []);
  return visible;
}
