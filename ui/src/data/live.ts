import { Fields } from "./fields";

export type LiveState = "connecting" | "live" | "reconnecting";

/** Spans that have just arrived: how many, and how many more a slow page was not told about. */
export interface LiveSpans {
  spans: number;
  dropped: number;
}

interface LiveHandlers {
  onSpans(arrived: LiveSpans): void;
  onState(state: LiveState): void;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/**
 * Follows `GET /api/v1/live` until the returned function is called.
 * EventSource reconnects by itself when a connection breaks, but gives up for good on an HTTP error
 * (a gateway that restarts, a proxy's 502): then this tries again, each time after twice the wait.
 */
export function followLive(query: string, { onSpans, onState }: LiveHandlers): () => void {
  let source: EventSource;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const open = () => {
    source = new EventSource(`/api/v1/live${query}`);
    source.addEventListener("open", () => {
      failures = 0;
      onState("live");
    });
    source.addEventListener("spans", (event: MessageEvent<string>) => onSpans(readLiveSpans(event.data)));
    source.addEventListener("error", () => {
      onState("reconnecting");
      if (source.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(open, Math.min(RETRY_FIRST_MS * 2 ** failures, RETRY_MAX_MS));
      failures += 1;
    });
  };

  onState("connecting");
  open();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}

function readLiveSpans(data: string): LiveSpans {
  const message = new Fields(JSON.parse(data), "live");
  return { spans: message.list("spans").length, dropped: message.number("dropped") };
}
