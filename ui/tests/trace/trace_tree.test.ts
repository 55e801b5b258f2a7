import { describe, expect, test } from "vitest";
import { seeded } from "../../dev/random";
import { buildTree, lastAtMost, positionsWhere, visiblePositions } from "../../src/trace/trace_tree";

const treeOf = (...parents: number[]) => buildTree(Int32Array.from(parents));

/** Parents drawn at random; a parent may come after its child, as clocks differ between machines. */
function randomParents(size: number, seed: number): number[] {
  const random = seeded(seed);
  return Array.from({ length: size }, (_, row) => {
    const parent = Math.floor(random() * (size + 3)) - 3;
    return parent === row || parent < 0 ? -1 : parent;
  });
}

describe("buildTree", () => {
  test("places a parent before its children, siblings in row order", () => {
    const tree = treeOf(-1, 0, 0, 1, 2, 1);
    expect([...tree.rowAt]).toEqual([0, 1, 3, 5, 2, 4]);
    expect([...tree.depth]).toEqual([0, 1, 2, 2, 1, 2]);
    expect([...tree.end]).toEqual([6, 4, 3, 4, 6, 6]);
    expect([...tree.parent]).toEqual([-1, 0, 1, 1, 0, 4]);
    expect(tree.depthMax).toBe(2);
  });

  test("accepts a child that started before its parent", () => {
    const tree = treeOf(1, -1);
    expect([...tree.rowAt]).toEqual([1, 0]);
  });

  test("breaks a loop at its earliest row and keeps every span", () => {
    const tree = treeOf(-1, 3, 1, 2, 0, 5);
    expect([...tree.rowAt]).toEqual([0, 4, 1, 2, 3, 5]);
    expect([...tree.depth]).toEqual([0, 1, 0, 1, 2, 0]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("gives every row one position, seed %d", (seed) => {
    const parents = randomParents(200, seed);
    const tree = treeOf(...parents);
    expect([...tree.rowAt].sort((a, b) => a - b)).toEqual(parents.map((_, row) => row));
    for (let position = 0; position < tree.size; position++) {
      expect(tree.positionOf[tree.rowAt[position]]).toBe(position);
      const above = tree.parent[position];
      if (above < 0) continue;
      expect(tree.rowAt[above]).toBe(parents[tree.rowAt[position]]);
      expect(above).toBeLessThan(position);
      expect(tree.end[position]).toBeLessThanOrEqual(tree.end[above]);
    }
  });

  test("needs no call stack for a chain of 300,000 spans", () => {
    const parents = Int32Array.from({ length: 300_000 }, (_, row) => row - 1);
    expect(buildTree(parents).depthMax).toBe(299_999);
  });

  test("accepts a trace without spans", () => expect(treeOf().size).toBe(0));
});

test("a collapsed subtree hides exactly what is inside it", () => {
  const tree = treeOf(-1, 0, 0, 1, 2, 1);
  const collapsed = new Uint8Array(tree.size);
  expect([...visiblePositions(tree, collapsed)]).toEqual([0, 1, 2, 3, 4, 5]);
  collapsed[1] = 1;
  expect([...visiblePositions(tree, collapsed)]).toEqual([0, 1, 4, 5]);
  collapsed[0] = 1;
  expect([...visiblePositions(tree, collapsed)]).toEqual([0]);
});

test("lastAtMost finds the nearest element below", () => {
  const ascending = Int32Array.from([2, 4, 8]);
  expect([1, 2, 3, 4, 7, 8, 9].map((value) => lastAtMost(ascending, value))).toEqual([-1, 0, 0, 1, 1, 2, 2]);
});

test("positionsWhere answers in tree order", () => {
  const tree = treeOf(-1, 0, 0, 1, 2, 1);
  expect([...positionsWhere(tree, (row) => row >= 3)]).toEqual([2, 3, 5]);
});
