import { createStore } from "./store";

/** Every page lives below this path; the gateway answers each of them with index.html. */
export const BASE = "/ui/";

export const CREDENTIALS = `${BASE}credentials`;

export interface Place {
  path: string;
  query: string;
}

const currentPlace = (): Place => ({ path: location.pathname, query: location.search });

export const place = createStore(currentPlace());

/** Goes to a page of this application; `replace` keeps the history entry (typing in a filter, for instance). */
export function navigate(href: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  place.set(currentPlace());
}

const TRACES = `${BASE}traces/`;

export const traceHref = (traceId: string, spanId?: string): string =>
  `${TRACES}${traceId}${spanId ? `?span=${spanId}` : ""}`;

/** The trace id in a path such as /ui/traces/4bf9…, or null for any other page. */
export const traceIdOf = (path: string): string | null =>
  path.startsWith(TRACES) ? path.slice(TRACES.length) : null;

/** Turns plain clicks on links below BASE into navigation without a reload. */
export function followLinks(): void {
  addEventListener("popstate", () => place.set(currentPlace()));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.origin !== location.origin || !link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
