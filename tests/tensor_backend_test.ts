import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { command } from "./commands.ts";

interface Probe {
  backend: string;
  numbers: number[];
  ids: number[];
}

async function probe(backend: string): Promise<Probe> {
  const { well } = command("run --quiet -A tests/tensor_backend_probe.ts", () => ({
    SELF_JUDGE_BACKEND: backend,
  }));
  return JSON.parse((await well("")).out.trim().split("\n").at(-1)!) as Probe;
}

describe("the backends", () => {
  it("serve two workers at once", async () => {
    const { well } = command("run --quiet -A tests/tensor_workers_probe.ts");
    assert.equal((await well("")).out.trim(), "tensorflow tensorflow");
  });

  it("agree on losses, gradient norms and greedy answers of the tiny model", async () => {
    const native = await probe("tensorflow");
    assert.equal(native.backend, "tensorflow");
    assert.ok(native.numbers.length > 10 && native.numbers.every((x) => Number.isFinite(x)));
    for (const name of ["wasm", "cpu"]) {
      const other = await probe(name);
      assert.equal(other.backend, name);
      assert.deepEqual(other.ids, native.ids);
      const largest = Math.max(
        ...other.numbers.map((x, i) =>
          Math.abs(x - native.numbers[i]) / (1 + Math.abs(native.numbers[i]))
        ),
      );
      console.log(
        `${name} against native TensorFlow: largest difference ${largest.toExponential(1)}`,
      );
      assert.ok(largest < 1e-4, `${largest}`);
    }
  });
});
