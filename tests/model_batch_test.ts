import assert from "node:assert/strict";
import { after, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  type Batch,
  followingLogProbs,
  leftPadded,
  lengthBuckets,
  packed,
  type Position,
  rightPadded,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { Tape } from "../lib/tensor/mod.ts";
import { assertClose, difference, numbers } from "./numbers.ts";
import { tinyModel } from "./tiny.ts";

const model = tinyModel();
after(() => model.dispose());
const C = model.config.hiddenSize;
const rng = Rng.named(12, "batches");
const sequence = (n: number) => Array.from({ length: n }, () => 4 + rng.int(90));

/** Hidden states of a batch, (B * T, C). */
function hidden(batch: Batch): Float32Array {
  const values = numbers(model.hidden(batch), { free: true });
  batch.mask?.dispose();
  return values;
}
/** Hidden states of one sequence alone. */
const alone = (ids: number[]) => hidden(rightPadded([ids], 0));
/** Positions [from, from + n) of a row of a batch. */
const part = (all: Float32Array, batch: Batch, [row, from, n]: number[]) =>
  all.subarray((row * batch.length + from) * C, (row * batch.length + from + n) * C);

describe("a causal model", () => {
  it("does not let a later token change an earlier position, but does the reverse", () => {
    const ids = sequence(12);
    const before = alone(ids);
    for (const changed of [0, 5, 11]) {
      const other = alone(ids.map((id, t) => t === changed ? id + 1 : id));
      assert.deepEqual(other.subarray(0, changed * C), before.subarray(0, changed * C));
      for (let t = changed; t < 12; t++) {
        const [a, b] = [other, before].map((x) => x.subarray(t * C, (t + 1) * C));
        assert.ok(difference(a, b) > 1e-3, `position ${t} does not see position ${changed}`);
      }
    }
  });

  it("depends on the order of tokens, not on their set", () => {
    const [a, b, ...rest] = sequence(6);
    const last = (ids: number[]) => alone(ids).subarray(5 * C);
    assert.ok(difference(last([a, b, ...rest]), last([b, a, ...rest])) > 1e-3);
  });
});

describe("padding", () => {
  const sequences = [7, 1, 12, 5].map(sequence);

  it("at the right changes nothing, whatever token it is", () => {
    for (const pad of [0, 50]) {
      const batch = rightPadded(sequences, pad);
      assert.deepEqual([batch.size, batch.length], [4, 12]);
      const all = hidden(batch);
      sequences.forEach((ids, row) => {
        const found = part(all, batch, [row, 0, ids.length]);
        assertClose(found, alone(ids), { within: 1e-5, what: `row ${row}` });
      });
    }
  });

  it("at the left changes nothing, whatever token it is", () => {
    for (const pad of [0, 50]) {
      const batch = leftPadded(sequences, pad);
      assert.deepEqual(batch.padding, [5, 11, 0, 7]);
      const all = hidden(batch);
      assert.ok(all.every(Number.isFinite));
      sequences.forEach((ids, row) => {
        const found = part(all, batch, [row, batch.padding[row], ids.length]);
        assertClose(found, alone(ids), { within: 1e-5, what: `row ${row}` });
      });
    }
  });
});

describe("packing", () => {
  const rows = [[4, 6, 3], [9], [2, 8]].map((lengths) => lengths.map(sequence));

  it("gives each sequence what it has alone", () => {
    const batch = packed(rows, 0);
    assert.deepEqual([batch.size, batch.length], [3, 13]);
    // Rotary attention sees only distances: where a sequence starts to count shows here alone.
    assert.deepEqual([...batch.positions.subarray(0, 13)], [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 0, 1, 2]);
    const all = hidden(batch);
    rows.forEach((row, b) => {
      let start = 0;
      for (const ids of row) {
        const found = part(all, batch, [b, start, ids.length]);
        assertClose(found, alone(ids), { within: 1e-5, what: `row ${b} from ${start}` });
        start += ids.length;
      }
    });
  });

  it("does not let a sequence see its neighbour: another one there changes no bit", () => {
    const batch = packed(rows, 0);
    const all = hidden(batch);
    const [first, second, third] = rows[0];
    const changed = packed([[first, second.map((id) => id + 1), third], ...rows.slice(1)], 0);
    const other = hidden(changed);
    for (const at of [[0, 0, 4], [0, 10, 3], [1, 0, 9], [2, 0, 10]]) {
      assert.deepEqual(part(other, changed, at), part(all, batch, at));
    }
    assert.ok(difference(part(other, changed, [0, 4, 6]), part(all, batch, [0, 4, 6])) > 1e-3);
  });

  it("gives the log-probabilities and gradients of the sequences apart", () => {
    const w = model.weights.get("model.layers.0.self_attn.k_proj.weight")!;
    const run = (batch: Batch, at: Position[]) => {
      const tape = new Tape([w]);
      const logProbs = followingLogProbs(model, batch, { at, tape });
      const values = numbers(logProbs);
      const [gradient] = tape.gradients(logProbs, tf.onesLike(logProbs), [w]);
      return { values, gradient: numbers(gradient, { free: true }) };
    };
    const [a, b] = [sequence(4), sequence(6)];
    const positions = (row: number, from: number, n: number) =>
      Array.from({ length: n - 1 }, (_, i): Position => ({ row, column: from + i }));
    const together = run(packed([[a, b]], 0), [...positions(0, 0, 4), ...positions(0, 4, 6)]);
    const apart = [run(rightPadded([a], 0), positions(0, 0, 4))];
    apart.push(run(rightPadded([b], 0), positions(0, 0, 6)));
    assertClose(together.values, apart.flatMap(({ values }) => [...values]), { within: 1e-5 });
    const sum = apart[0].gradient.map((x, i) => x + apart[1].gradient[i]);
    assert.ok(Math.max(...sum.map(Math.abs)) > 1e-2);
    assertClose(together.gradient, sum, { within: 1e-4 });
  });
});

describe("lengthBuckets", () => {
  it("puts like lengths together, within the budget, each index once", () => {
    const lengths = Array.from({ length: 60 }, () => 1 + rng.int(40));
    const groups = lengthBuckets(lengths, 100);
    assert.deepEqual(groups.flat().sort((a, b) => a - b), lengths.map((_, i) => i));
    groups.forEach((group, g) => {
      const longest = Math.max(...group.map((i) => lengths[i]));
      assert.ok(group.length * longest <= 100, `group ${g}`);
      const next = groups[g + 1]?.map((i) => lengths[i]) ?? [];
      assert.ok(next.every((n) => n >= longest));
    });
  });

  it("puts a sequence over the budget alone in a group", () => {
    assert.deepEqual(lengthBuckets([3, 500, 3, 400], 100), [[0, 2], [3], [1]]);
    assert.deepEqual(lengthBuckets([], 100), []);
  });
});
