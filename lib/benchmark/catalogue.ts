import { UserError } from "../base/error.ts";
import type { Benchmark } from "./benchmark.ts";
import { ALPACA_EVAL } from "./benchmarks/alpaca_eval.ts";
import { GSM8K } from "./benchmarks/gsm8k.ts";
import { MT_BENCH } from "./benchmarks/mt_bench.ts";
import { VICUNA } from "./benchmarks/vicuna.ts";

/** The benchmarks there are, by name. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = Object.fromEntries(
  [MT_BENCH, VICUNA, ALPACA_EVAL, GSM8K].map((benchmark) => [benchmark.name, benchmark]),
);

/** @throws {UserError} When there is no benchmark of that name. */
export function benchmarkNamed(name: string): Benchmark {
  if (Object.hasOwn(BENCHMARKS, name)) return BENCHMARKS[name];
  throw new UserError(
    `there is no benchmark "${name}"`,
    `choose from ${Object.keys(BENCHMARKS).join(", ")}`,
  );
}
