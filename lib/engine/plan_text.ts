/** A plan as text for a terminal. @module */
import { duration } from "../base/progress.ts";
import { textTable } from "../base/text_table.ts";
import { type Part, type Plan, RATES } from "./plan.ts";

/** A plan as tables: what a round takes, what the run takes, memory, and where the rates are from. */
export function planText(plan: Plan): string {
  const { settings: s, seconds, tokens, busyGpuHours } = plan;
  const gpus = s.shared ? `${s.serveGpus} GPUs in turns` : `${s.serveGpus} + ${s.trainGpus} GPUs`;
  const million = (n: number) => `${(n / 1e6).toFixed(1)} M`;
  const share = (part: Part) =>
    s.ahead ? "" : `${(100 * seconds[part] / plan.roundSeconds).toFixed(0)} %`;
  const parts = Object.keys(seconds) as Part[];
  const work = Object.keys(tokens) as (keyof typeof tokens)[];
  return [
    `${
      (s.parameters / 1e9).toFixed(1)
    } B parameters, ${s.pairs} pairs, ${s.epochs} epochs, batch ${s.batch}, ` +
    `${s.steps} steps a policy, ${gpus}. On paper: expect a factor of two either way.`,
    "",
    textTable([
      ["a round", "seconds", s.ahead ? "" : "share"],
      ...parts.map((part) => [part, seconds[part].toFixed(1), share(part)]),
      [s.ahead ? "the longer half" : "sum", plan.roundSeconds.toFixed(1), ""],
    ]),
    `of sampling ${plan.longestSeconds.toFixed(1)} s are the longest answer's own`,
    "",
    textTable([
      ["the run", "tokens", "GPU hours without any waiting"],
      ...work.map((part) => [part, million(tokens[part]), busyGpuHours[part].toFixed(1)]),
    ]),
    "",
    `self-training: ${plan.rounds} rounds, ${duration(plan.hours * 3600)}, ` +
    `${plan.gpuHours.toFixed(0)} GPU hours; JSFT before it: ${duration(plan.jsftHours * 3600)}`,
    `bottleneck: ${plan.bottleneck}`,
    `memory: ${plan.memory.serving.toFixed(1)} GB of weights on a GPU that serves, ` +
    `${plan.memory.training.toFixed(1)} GB on one that trains; ` +
    `${plan.memory.request.toFixed(0)} MB a request; a version of the adapter, JSFT's with it, ${
      plan.memory.adapter.toFixed(0)
    } MB`,
    "",
    `rates: ${
      (RATES.parameters / 1e9).toFixed(2)
    } B on an A100-80G alone ${RATES.decodeAlone}, full ` +
    `${RATES.decodeFull} tokens/s (LMDeploy), training ${RATES.train} (half of llm-foundry's), prompts ` +
    `${RATES.prefill} (assumed); other models by parameters. Measure yours: ` +
    "--set decodeAlone=, decodeFull=, prefill=, train=",
  ].join("\n");
}
