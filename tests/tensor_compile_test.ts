import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import {
  compile,
  type Compiled,
  crossEntropy,
  matmul,
  meanLast,
  seededUniform,
  segmentSum,
  startEngine,
  useCompiledSteps,
  writeRows,
} from "../lib/tensor/mod.ts";
import { command } from "./commands.ts";
import { randoms } from "./tiny.ts";

const { backend } = await startEngine();
const rng = Rng.named(16, "compile");
const made = <T extends tf.Tensor>(...shape: number[]): T => {
  const size = shape.reduce((a, b) => a * b, 1);
  const tensor = tf.keep(tf.tensor(randoms(size, { rng, low: -2, high: 2 }), shape));
  tf.neg(tensor).dispose(); // its first use takes it to TensorFlow
  return tensor as T;
};
const x = made<tf.Tensor2D>(6, 4);
const w = made<tf.Tensor2D>(4, 5);
const wide = made<tf.Tensor4D>(3, 4, 33, 17);
const logits = made<tf.Tensor2D>(37, 131);
const ids = (...values: number[]) => tf.tensor1d(values, "int32");
/** What a step writes to in place. Compiled and eager runs write the same to it. */
const lent = made<tf.Tensor2D>(6, 4);

/** Tensors that TensorFlow holds, of which those that tfjs knows are some. */
const handles = (): number =>
  (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding.getNumOfTensors();

type Step = (i: number) => tf.Tensor | tf.Tensor[];
const numbersOf = (found: tf.Tensor | tf.Tensor[]): number[][] => {
  const all = [found].flat();
  const values = all.map((tensor) => [...tensor.dataSync(), ...tensor.shape]);
  tf.dispose(all);
  return values;
};

/** Runs a step by itself and compiled, for i = 0, 1, ...; asserts equal bits and that nothing is left behind. */
function equalToEager(
  step: Step,
  runs = 10,
): Compiled<[number], tf.Tensor | tf.Tensor[]>["counts"] & {
  refused: string;
} {
  const compiled = compile((i: number) => tf.tidy(() => step(i)), { name: "a test" });
  let before = [0, 0];
  for (let i = 0; i < runs; i++) {
    const [found, expected] = [numbersOf(compiled(i)), numbersOf(tf.tidy(() => step(i)))];
    assert.deepEqual(found, expected, `run ${i}`);
    if (i === 4) before = [tf.memory().numTensors, handles()];
  }
  assert.deepEqual([tf.memory().numTensors, handles()], before, "tensors left behind");
  const { counts, refused } = compiled;
  compiled.dispose();
  return { ...counts, refused };
}

/** Steps by what varies in them: i counts the runs. One function serves them all from the third run on. */
const COMPILED: Record<string, Step> = {
  "nothing that varies": () => tf.matMul(x, w),
  "a scalar that varies": (i) => tf.mul(x, 1 / (i + 1)),
  "rows that vary, and their number": (i) => tf.gather(x, ids(i % 6, ...Array(i % 3).fill(0))),
  "shapes that follow from data": (i) => {
    const y = tf.fill([i % 4 + 1, 4], i) as tf.Tensor2D;
    return [tf.sum(tf.matMul(y, w), 0), tf.softmax(tf.reshape(y, [-1]))];
  },
  "long host tensors": (i) =>
    tf.add(tf.tensor1d(Float32Array.from({ length: 300 + i }, (_, k) => k)), i),
  "host memory that is written to after its use": (i) => {
    const once = (memory: Float32Array) => tf.mul(tf.tensor1d(memory), 1);
    return [1, 300].flatMap((length) => {
      const memory = new Float32Array(length).fill(i + 1);
      const before = once(memory);
      return [before, once(memory.fill(2))];
    });
  },
  "0 and -0": (i) => [
    tf.div(1, tf.tensor1d([0])),
    tf.div(1, tf.tensor1d([-0])),
    tf.div(1, tf.tensor1d([i % 2 ? 0 : -0])),
  ],
  "a tile, a pad and a slice that vary": (i) => [
    tf.tile(x, [1, i % 3 + 1]),
    tf.pad(x, [[1, 0], [0, i % 2]]),
    tf.slice(x, [i % 3, 0], [2, 3]),
  ],
  "splits that vary": (i) => tf.split(x, [1 + i % 4, 5 - i % 4]),
  "seeds that vary": (i) => seededUniform([3, i + 1], [i, 7]),
  "several of tfjs' ops": () => [
    tf.stack([x, x]),
    tf.unstack(x)[1],
    tf.concat([x, x], 1),
    tf.transpose(x),
    tf.expandDims(tf.cast(x, "int32"), 1),
    tf.moments(x, 1).variance,
    tf.maximum(x, 0.3),
    tf.softplus(x),
    tf.relu(x),
    tf.log1p(tf.abs(x)),
    tf.pow(tf.abs(x), 2),
    tf.addN([x, x, x]),
    tf.prod(x, 1),
    tf.cast(tf.logicalNot(tf.greaterEqual(x, 0)), "float32"),
    tf.zerosLike(x),
    tf.tanh(x),
    tf.sign(x),
    tf.clone(x),
    tf.step(x),
    tf.where(tf.greater(x, 0), x, tf.neg(x)),
    tf.isNaN(tf.sqrt(x)).toFloat(),
    tf.isInf(tf.div(x, 0)).toFloat(),
    tf.isFinite(tf.log(x)).toFloat(),
    tf.floor(x),
    tf.cumsum(x, 1),
  ],
  "this room's kernels": (i) => [
    matmul(x, w),
    matmul(x, x, { transposeA: true }),
    matmul(w, w, { transposeB: true }),
    meanLast(x),
    segmentSum(x, ids(0, 1, 2, 0, 1, i % 3), 3 + i % 2),
    ...Object.values(crossEntropy(logits, ids(...Array.from({ length: 37 }, (_, k) => k + i)))),
  ],
  "chains that a graph optimiser would join": () => {
    const silu = tf.mul(wide, tf.sigmoid(wide));
    return [tf.mul(tf.mul(silu, 0.1), 0.3), tf.div(silu, tf.add(tf.sqrt(tf.abs(wide)), 1e-8))];
  },
  "products and softmax of four dimensions": () => {
    const scores = tf.matMul(wide, wide, false, true);
    return [tf.softmax(scores), tf.matMul(tf.softmax(scores), wide), tf.softmax(wide)];
  },
  "the gradient of tfjs' own tape": (i) =>
    tf.grads((a, b) =>
      tf.sum(tf.sigmoid(tf.matMul(a as tf.Tensor2D, tf.mul(b, i + 1) as tf.Tensor2D)))
    )(
      [x, w],
    ),
  "a result that comes and goes": (i) => i % 2 ? [tf.exp(x), tf.neg(x)] : [tf.neg(x)],
};

/** Steps whose calls differ from run to run: right, by several functions or none. */
const VARYING: Record<string, Step> = {
  "an axis that varies": (i) => tf.sum(x, i % 2),
  "an attribute that varies": (i) =>
    matmul(x, x, { transposeA: i % 2 > 0, transposeB: i % 2 === 0 }),
  "a branch, after a common beginning": (i) => {
    const y = tf.mul(tf.exp(x), i);
    return i % 2 ? tf.neg(y) : [tf.abs(y), tf.square(y)];
  },
  "host tensors that come before or after an op": (i) =>
    i % 2 ? [tf.slice(x, [1, 0], [3, 4]), tf.exp(x)] : [tf.exp(x), tf.slice(x, [1, 0], [3, 4])],
  "a slice where others have a product, as where scores of many rows come in blocks": (i) => {
    const y = tf.mul(x, 2);
    if (i % 2) return tf.gather(tf.matMul(y, w), ids(i % 6, 0));
    return tf.slice(y, [0, 0], [3, 4]);
  },
  "a number of ops that varies": (i) => {
    let y: tf.Tensor = x;
    for (let k = 0; k <= i % 3; k++) y = tf.tanh(y);
    return y;
  },
};

const REFUSED: [what: string, why: RegExp, step: Step][] = [
  ["an op without a rule", /the op TopKV2/, () => tf.topk(x, 2).values],
  [
    "an op whose shape depends on values",
    /the op (Where|Unique)/,
    () => tf.unique(ids(1, 2, 1)).values,
  ],
  [
    "an op that writes in place to what the step made",
    /in place to a tensor that it made/,
    (i) => writeRows(tf.zeros([6, 4]), ids(i % 6), tf.ones([1, 4])),
  ],
  [
    "an op that writes in place to what the step also reads",
    /in place to a tensor that it also reads/,
    (i) => {
      const written = writeRows(lent, ids(i % 6), tf.fill([1, 4], i));
      return [tf.add(written, 0), tf.neg(lent)];
    },
  ],
  [
    "an op that writes in place to a view of what the step also reads",
    /in place to a tensor that it also reads/,
    (i) => {
      const written = writeRows(tf.reshape(lent, [12, 2]), ids(i % 12), tf.fill([1, 2], i));
      return [tf.add(written, 0), tf.neg(lent)];
    },
  ],
  ["a read in the middle", /reads a tensor that it computed/, (i) => {
    const s = tf.sum(tf.mul(x, i + 1)).dataSync()[0];
    return tf.mul(tf.square(x), s);
  }],
];

const suite = backend === "tensorflow" ? describe : describe.skip;

suite("a compiled step", () => {
  tf.tidy(() => [meanLast(x), writeRows(tf.zeros([1, 1]), ids(0), tf.ones([1, 1]))]); // what the room makes once

  for (const [what, step] of Object.entries(COMPILED)) {
    it(`gives the same bits as its ops one by one: ${what}`, () => {
      const { replayed, recorded, built, refused } = equalToEager(step);
      assert.equal(refused, "");
      assert.ok(replayed >= 8, `${replayed} of 10 runs by a function, ${recorded} recorded`);
      assert.ok(built <= 8);
    });
  }
  for (const [what, step] of Object.entries(VARYING)) {
    it(`keeps a few recordings: ${what}`, () => {
      const { replayed, refused } = equalToEager(step, 14);
      assert.equal(refused, "");
      assert.ok(replayed >= 10, `${replayed} of 14 runs by a function`);
    });
  }
  for (const [what, why, step] of REFUSED) {
    it(`is executed op by op: ${what}`, () => {
      const { replayed, refused } = equalToEager(step);
      assert.match(refused, why);
      assert.equal(replayed, 0);
    });
  }

  it("whose calls never come back is left alone, and still right", () => {
    const { refused, recorded } = equalToEager((i) => {
      let y: tf.Tensor = x;
      for (let k = 0; k <= i; k++) y = tf.tanh(y);
      return y;
    }, 16);
    assert.match(refused, /differ from run to run/);
    assert.ok(recorded < 12);
  });

  it("sees what its closures hold, what it counts and what it replaces", () => {
    const run = (wrap: (step: () => tf.Tensor) => () => tf.Tensor) => {
      let [state, count] = [tf.zeros([3]), 0];
      const step = wrap(() => {
        const next = tf.tidy(() => tf.add(tf.mul(state, 0.5), ++count));
        state.dispose();
        state = tf.keep(next);
        return tf.clone(state);
      });
      const seen = Array.from({ length: 12 }, () => numbersOf(step()));
      state.dispose();
      return seen;
    };
    const before = tf.memory().numTensors;
    const steps: Compiled<[], tf.Tensor>[] = [];
    const found = run((step) => steps[0] = compile(step, { name: "state" }));
    assert.deepEqual(found, run((step) => step));
    assert.ok(steps[0].counts.replayed >= 8);
    assert.equal(tf.memory().numTensors, before);
    steps[0].dispose();
  });

  it("writes in place to what was there before it, like a cache", () => {
    const run = (wrap: (step: (i: number) => tf.Tensor) => (i: number) => tf.Tensor) => {
      let state: tf.Tensor = tf.zeros([6, 4]);
      const step = wrap((i) =>
        tf.tidy(() => {
          const rows = state.shape[0];
          const flat = tf.reshape(state, [2 * rows, 2]);
          const written = writeRows(flat, ids(i, i + 6), tf.fill([2, 2], i + 1));
          state.dispose();
          state = tf.keep(tf.reshape(written, [rows, 4]));
          return tf.sum(state, 0);
        })
      );
      const seen: number[][][] = [];
      for (let i = 0; i < 12; i++) {
        if (i === 6) { // more room, made outside of the step
          const more = tf.concat([state, tf.ones([5, 4])]);
          state.dispose();
          state = more;
        }
        seen.push(numbersOf(step(i)), numbersOf(tf.clone(state)));
      }
      state.dispose();
      return seen;
    };
    const steps: Compiled<[number], tf.Tensor>[] = [];
    const found = run((step) => steps[0] = compile(step, { name: "a cache" }));
    assert.deepEqual(found, run((step) => step));
    assert.equal(steps[0].refused, "");
    assert.ok(steps[0].counts.replayed >= 10, `${steps[0].counts.replayed}`);
    assert.ok(steps[0].counts.built <= 2);
    steps[0].dispose();
  });

  it("that throws gives its own error, and leaves tensors that can be read and disposed of", () => {
    const before = [tf.memory().numTensors, handles()];
    const left: tf.Tensor[] = [];
    const step = compile((fail: boolean) =>
      tf.tidy(() => {
        const y = tf.exp(x);
        if (fail) {
          left.push(tf.keep(tf.neg(y)));
          throw new Error("mine");
        }
        return tf.neg(y);
      }), { name: "throws" });
    for (const fail of [false, false, true, false, true, false]) {
      if (fail) assert.throws(() => step(true), /^Error: mine$/);
      else step(false).dispose();
    }
    const expected = numbersOf(tf.tidy(() => tf.neg(tf.exp(x))));
    assert.equal(left.length, 2);
    for (const tensor of left) assert.deepEqual(numbersOf(tensor), expected);
    assert.ok(step.counts.replayed >= 2);
    step.dispose();
    assert.deepEqual([tf.memory().numTensors, handles()], before);
  });

  it("gives TensorFlow's error where the ops do not fit, compiled or not", () => {
    const step = compile((other: tf.Tensor) => matmul(x, other), { name: "misfit" });
    for (let i = 0; i < 4; i++) step(w).dispose();
    const tall = made(3, 2);
    assert.throws(() => step(tall), /[Mm]atrix size-incompatible/);
    assert.deepEqual(numbersOf(step(w)), numbersOf(matmul(x, w)));
    step.dispose();
    tall.dispose();
  });

  it("works in turns with another, and inside another", () => {
    const double = compile((y: tf.Tensor) => tf.mul(y, 2), { name: "double" });
    const halve = compile((y: tf.Tensor) => tf.tidy(() => tf.mul(tf.mul(double(y), 0.5), 0.5)), {
      name: "halve",
    });
    for (let i = 0; i < 6; i++) {
      assert.deepEqual(numbersOf(double(x)), numbersOf(tf.mul(x, 2)));
      assert.deepEqual(numbersOf(halve(x)), numbersOf(tf.mul(x, 0.5)));
    }
    assert.deepEqual([double.counts.replayed, halve.counts.replayed], [5, 5]);
    double.dispose();
    halve.dispose();
  });

  it("leaves neither tensors nor functions over 200 runs of varying shapes", () => {
    const step = compile((n: number) =>
      tf.tidy(() => {
        const y = tf.reshape(tf.tensor1d(Float32Array.from({ length: 4 * n }, (_, k) => k)), [
          n,
          4,
        ]);
        return tf.softmax(tf.matMul(y as tf.Tensor2D, w));
      }), { name: "shapes" });
    for (let i = 0; i < 4; i++) step(i + 1).dispose();
    const before = [tf.memory().numTensors, handles()];
    const { built } = step.counts;
    for (let i = 0; i < 200; i++) step(i % 17 + 1).dispose();
    assert.deepEqual([tf.memory().numTensors, handles()], before);
    assert.equal(step.counts.built, built, "a function was built again");
    assert.equal(step.counts.recorded, 1);
    step.dispose();
  });

  it("may be used again after dispose", () => {
    const step = compile((y: tf.Tensor) => tf.exp(y), { name: "again" });
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) assert.deepEqual(numbersOf(step(x)), numbersOf(tf.exp(x)));
      step.dispose();
    }
    assert.equal(step.counts.recorded, 2);
    assert.equal(step.counts.replayed, 4);
  });

  it("is just called where a setting turns compiling off", () => {
    const step = compile((y: tf.Tensor) => tf.exp(y), { name: "off" });
    useCompiledSteps(false);
    try {
      for (let i = 0; i < 3; i++) assert.deepEqual(numbersOf(step(x)), numbersOf(tf.exp(x)));
    } finally {
      useCompiledSteps(true);
    }
    assert.deepEqual(step.counts, { replayed: 0, recorded: 0, built: 0 });
  });
});

describe("a compiled step elsewhere", () => {
  const probe = async (env: Record<string, string>, argument = "") => {
    const { well } = command("run --quiet -A tests/tensor_compile_probe.ts", () => env);
    const { out, err } = await well(argument);
    return { ...JSON.parse(out), err: err.trim() };
  };
  const right = [1, 2, 3, 4].flatMap((i) => [i * i + 1, i * i + 1]);

  for (const name of ["wasm", "cpu"]) {
    it(`is just called on the backend ${name}, which is said once`, async () => {
      const { found, replayed, on, reason, err } = await probe({ SELF_JUDGE_BACKEND: name });
      assert.deepEqual([found, replayed, on], [right, 0, false]);
      assert.equal(reason, `the backend is ${name}, not native TensorFlow`);
      // tfjs itself greets with a banner on the cpu.
      const said = err.split("\n").filter((line: string) => !/^=|^Hi, looks like/.test(line));
      assert.deepEqual(said, [`one is executed op by op: ${reason}`, "  fix: deno task setup"]);
    });
  }

  it("is just called with a binding that has no functions, which is said once", async () => {
    const { found, replayed, on, err } = await probe({ SELF_JUDGE_BACKEND: "" }, "old");
    assert.deepEqual([found, replayed, on], [right, 0, false]);
    assert.match(
      err,
      /^one is executed op by op: the binding in place .*\n {2}fix: deno task setup$/,
    );
  });

  it("is just called, in silence, where SELF_JUDGE_COMPILE=off", async () => {
    const { found, replayed, reason, err } = await probe({ SELF_JUDGE_COMPILE: "off" });
    assert.deepEqual([found, replayed, err], [right, 0, ""]);
    assert.equal(reason, "turned off by SELF_JUDGE_COMPILE");
  });

  it("says what it records and builds where SELF_JUDGE_COMPILE=log", async () => {
    // Its input is uploaded in the step: the first recording is not kept.
    const { found, replayed, on, err } = await probe({ SELF_JUDGE_COMPILE: "log" });
    assert.deepEqual([found, replayed, on], [right, 4, true]);
    assert.match(
      err,
      /^one: recorded 2 ops\ntwo: recorded 2 ops\none: recorded[^]*\none: built a function of 2 ops\n/,
    );
  });

  it("refuses another SELF_JUDGE_COMPILE, with those that there are", async () => {
    const { run } = command("run --quiet -A tests/tensor_compile_probe.ts", () => ({
      SELF_JUDGE_COMPILE: "yes",
    }));
    const { code, err } = await run("");
    assert.equal(code, 1);
    assert.match(err, /SELF_JUDGE_COMPILE="yes" is unknown\n {2}-> set it to one of on, off, log/);
  });
});
