import { expect, test } from "vitest";
import { buildTree } from "../../src/trace/trace_tree";
import {
  openView,
  stepIn,
  stepOut,
  withAllClosed,
  withAllOpen,
  withCollapsed,
  withSelected,
} from "../../src/trace/trace_view";

// Positions: 0 the root, 1 its child with the children 2 and 3, 4 its child with the child 5.
const tree = buildTree(Int32Array.from([-1, 0, 0, 1, 2, 1]));
const open = openView(tree);

test("selecting a hidden span opens what hides it", () => {
  const closed = withCollapsed(withCollapsed(open, 0, true), 1, true);
  const view = withSelected(tree, closed, 3);
  expect(view.selected).toBe(3);
  expect([...view.collapsed]).toEqual([0, 0, 0, 0, 0, 0]);
});

test("arrow right opens, then goes to the first child", () => {
  const closed = { ...withCollapsed(open, 1, true), selected: 1 };
  const opened = stepIn(tree, closed);
  expect(opened.collapsed[1]).toBe(0);
  expect(stepIn(tree, opened).selected).toBe(2);
  expect(stepIn(tree, { ...open, selected: 2 }).selected).toBe(2);
});

test("arrow left closes, then goes to the parent", () => {
  const closed = stepOut(tree, { ...open, selected: 4 });
  expect(closed.collapsed[4]).toBe(1);
  expect(stepOut(tree, closed).selected).toBe(0);
});

test("closing all keeps the top two levels and moves a hidden selection up", () => {
  const view = withAllClosed(tree, { ...open, selected: 5 });
  expect([...view.collapsed]).toEqual([0, 1, 0, 0, 1, 0]);
  expect(view.selected).toBe(4);
  expect(withAllOpen(tree, view).collapsed.some((closed) => closed === 1)).toBe(false);
});
