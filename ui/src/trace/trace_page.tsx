import { useEffect, useState } from "preact/hooks";
import { ApiError, explain } from "../data/http";
import { getTrace, type TraceColumns } from "../data/trace_columns";
import { BASE } from "../router";
import { TraceScreen } from "./trace_screen";
import { buildTree, type TraceTree } from "./trace_tree";

type Loaded =
  | { kind: "loading" }
  | { kind: "problem"; title: string; problem: string }
  | { kind: "trace"; trace: TraceColumns; tree: TraceTree; attempt: number };

/** Loads one trace and shows it. */
export function TracePage({ traceId }: { traceId: string }) {
  const [loaded, setLoaded] = useState<Loaded>({ kind: "loading" });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const abort = new AbortController();
    void load(traceId, attempt, abort.signal).then((next) => !abort.signal.aborted && setLoaded(next));
    return () => abort.abort();
  }, [traceId, attempt]);

  const reload = () => setAttempt(attempt + 1);
  if (loaded.kind === "trace") {
    // A reloaded trace may have other positions: the screen starts anew with it.
    return <TraceScreen key={loaded.attempt} trace={loaded.trace} tree={loaded.tree} onReload={reload} />;
  }
  if (loaded.kind === "loading") {
    return (
      <main aria-busy="true">
        <p class="loading">Loading trace {traceId}…</p>
      </main>
    );
  }
  return (
    <main class="notice">
      <h1>{loaded.title}</h1>
      <p role="alert">{loaded.problem}</p>
      <p>
        <button type="button" onClick={reload}>
          Try again
        </button>{" "}
        <a href={BASE}>All traces</a>
      </p>
    </main>
  );
}

async function load(traceId: string, attempt: number, abort: AbortSignal): Promise<Loaded> {
  try {
    const trace = await getTrace(traceId, abort);
    performance.mark("trace:tree-start");
    const tree = buildTree(trace.parent);
    performance.measure("trace:tree", "trace:tree-start");
    return { kind: "trace", trace, tree, attempt };
  } catch (error) {
    const missing = error instanceof ApiError && error.status === 404;
    return {
      kind: "problem",
      title: missing ? "This trace is not here" : "The trace cannot be shown",
      problem: explain(error),
    };
  }
}
