import { Fields } from "./fields";
import { getJson } from "./http";

/** An amount in billionths of the currency. */
export interface Cost {
  currency: string;
  amountNano: bigint;
}

/** One row of the trace list; `costs` are what its spans report, one for each currency. */
export interface TraceSummary {
  traceId: string;
  rootName: string;
  rootService: string;
  startUnixNano: bigint;
  durationNano: number;
  spans: number;
  errors: number;
  services: string[];
  unit: string | null;
  parentUnit: string | null;
  costs: Cost[];
}

export interface TracePage {
  traces: TraceSummary[];
  nextCursor: string | null;
}

export interface ServiceCounts {
  name: string;
  spans: number;
  errors: number;
}

export async function getTraces(params: URLSearchParams, abort: AbortSignal): Promise<TracePage> {
  const page = new Fields(await getJson(`/traces?${params}`, abort), "traces");
  return { traces: page.objects("data", readSummary), nextCursor: page.textOrNull("next_cursor") };
}

export async function getServices(params: URLSearchParams, abort: AbortSignal): Promise<ServiceCounts[]> {
  const answer = new Fields(await getJson(`/services?${params}`, abort), "services");
  return answer.objects("data", (service) => ({
    name: service.text("name"),
    spans: service.number("spans"),
    errors: service.number("errors"),
  }));
}

function readSummary(summary: Fields): TraceSummary {
  return {
    traceId: summary.text("trace_id"),
    rootName: summary.text("root_name"),
    rootService: summary.text("root_service"),
    startUnixNano: BigInt(summary.text("start_unix_nano")),
    durationNano: summary.number("duration_nano"),
    spans: summary.number("spans"),
    errors: summary.number("errors"),
    services: summary.texts("services"),
    unit: summary.textOrNull("unit"),
    parentUnit: summary.textOrNull("parent_unit"),
    costs: summary.objects("costs", (cost) => ({
      currency: cost.text("currency"),
      amountNano: BigInt(cost.text("amount_nano")),
    })),
  };
}
