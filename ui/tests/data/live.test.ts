import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followLive, type LiveSpans, type LiveState } from "../../src/data/live";

/** Stands in for the browser's EventSource; the test plays the server. */
class FakeEventSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeEventSource[] = [];
  readyState = 0;
  constructor(readonly url: string) {
    super();
    FakeEventSource.opened.push(this);
  }
  close(): void {
    this.readyState = FakeEventSource.CLOSED;
  }
  refuse(): void {
    this.close();
    this.dispatchEvent(new Event("error"));
  }
}

const states: LiveState[] = [];
const arrived: LiveSpans[] = [];
const follow = () =>
  followLive("?service=web", {
    onState: (state) => states.push(state),
    onSpans: (spans) => arrived.push(spans),
  });
const newest = () => FakeEventSource.opened[FakeEventSource.opened.length - 1];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeEventSource);
  FakeEventSource.opened = [];
  states.length = 0;
  arrived.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("spans are counted, with those a slow page was not told about", () => {
  follow();
  newest().dispatchEvent(new Event("open"));
  newest().dispatchEvent(new MessageEvent("spans", { data: '{"spans":[{},{}],"dropped":3}' }));
  expect(newest().url).toBe("/api/v1/live?service=web");
  expect(states).toEqual(["connecting", "live"]);
  expect(arrived).toEqual([{ spans: 2, dropped: 3 }]);
});

test("a broken connection is left to the browser, which reconnects", () => {
  follow();
  newest().dispatchEvent(new Event("error"));
  vi.advanceTimersByTime(60_000);
  expect(states).toEqual(["connecting", "reconnecting"]);
  expect(FakeEventSource.opened).toHaveLength(1);
});

test("a refusal is tried again, each time after twice the wait", () => {
  follow();
  for (const waitMs of [1_000, 2_000, 4_000]) {
    const before = FakeEventSource.opened.length;
    newest().refuse();
    vi.advanceTimersByTime(waitMs - 1);
    expect(FakeEventSource.opened).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(FakeEventSource.opened).toHaveLength(before + 1);
  }
});

test("nothing is tried again after the end", () => {
  const stop = follow();
  newest().refuse();
  stop();
  vi.advanceTimersByTime(60_000);
  expect(FakeEventSource.opened).toHaveLength(1);
});
