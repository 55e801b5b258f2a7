import type { LiveView } from "./use_live";

interface LiveSignProps {
  live: LiveView;
  /** What to say while the stream is not followed. */
  offLabel: string;
}

/** Says whether new spans show up by themselves, and how many come in. */
export function LiveSign({ live, offLabel }: LiveSignProps) {
  const rate = live.spansPerSecond;
  const label = {
    connecting: "Connecting…",
    live: `Live · ${rate >= 10 || rate === 0 ? rate.toFixed(0) : rate.toFixed(1)} spans/s`,
    reconnecting: "Live is interrupted, reconnecting…",
    off: offLabel,
  }[live.state];
  return (
    <span class={`live-sign ${live.state}`}>
      <i aria-hidden="true" />
      {label}
    </span>
  );
}
