import { useEffect, useState } from "preact/hooks";
import { type ByReason, getTraceCounts, type SignalCounts } from "../data/gateway_status";
import { explain } from "../data/http";
import { formatCount } from "../format";

const EVERY_MS = 5_000;

type Status = { kind: "counts"; counts: SignalCounts } | { kind: "problem"; problem: string } | null;

/** What became of all that the gateway received since it started: nothing is lost silently. */
export function StatusLine() {
  const status = usePolledCounts();
  return (
    <footer class="status-line">
      {status?.kind === "problem" && <span class="problem">{status.problem}</span>}
      {status?.kind === "counts" && <Counts counts={status.counts} />}
    </footer>
  );
}

function Counts({ counts }: { counts: SignalCounts }) {
  return (
    <>
      <span>Spans since start</span>
      <span>
        received <b>{formatCount(counts.received)}</b>
      </span>
      <span>
        stored <b>{formatCount(counts.stored)}</b>
      </span>
      <Losses fate="refused" losses={counts.refused} />
      <Losses fate="dropped" losses={counts.dropped} />
      <span>
        pending <b>{formatCount(counts.pending)}</b>
      </span>
    </>
  );
}

function Losses({ fate, losses }: { fate: string; losses: ByReason }) {
  const total = losses.reduce((sum, { items }) => sum + items, 0);
  const reasons = losses.map(({ reason, items }) => `${reason}: ${formatCount(items)}`).join("\n");
  return (
    <span class={total > 0 ? "problem" : ""} title={reasons}>
      {fate} <b>{formatCount(total)}</b>
    </span>
  );
}

function usePolledCounts(): Status {
  const [status, setStatus] = useState<Status>(null);
  useEffect(() => {
    const abort = new AbortController();
    const poll = async () => {
      if (document.hidden) return;
      try {
        const counts = await getTraceCounts(abort.signal);
        setStatus({ kind: "counts", counts });
      } catch (error) {
        if (!abort.signal.aborted) setStatus({ kind: "problem", problem: explain(error) });
      }
    };
    void poll();
    const timer = setInterval(poll, EVERY_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, []);
  return status;
}
