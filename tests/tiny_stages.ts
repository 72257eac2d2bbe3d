/** Lessons for the trainer in the tiny language. */
import { encodePrompt, endOfAnswer } from "../lib/method/mod.ts";
import { tinyPairs } from "./tiny.ts";
import { tinyEncoder, tinyExamples } from "./tiny_method.ts";
import type { IdPair, Lesson } from "./trainer_stages.ts";

const { tokenizer, ...encoder } = tinyEncoder();
const ids = (text: string) => [...tokenizer.encode(text), endOfAnswer(tokenizer)];
const PAIRS = tinyPairs(16, 3).map(({ prompt, chosen, rejected }): IdPair => ({
  prompt: encodePrompt(prompt, { tokenizer, ...encoder }),
  chosen: ids(chosen),
  rejected: ids(rejected),
}));
const EXAMPLES = tinyExamples(8);
const SCHEDULE = { learningRate: 2e-3, shape: "cosine", warmup: 0 } as const;

/** Four steps of four pairs. */
export const PAIR_STEPS: readonly IdPair[][] = [0, 4, 8, 12].map((at) => PAIRS.slice(at, at + 4));

/** What the tiny model is taught. */
export const LESSONS = {
  sigmoid: { kind: "dpo", loss: "sigmoid", steps: PAIR_STEPS, schedule: SCHEDULE },
  // A hard label among them, an indifferent one and a wrong one.
  soft: {
    ...{ kind: "dpo", loss: "sigmoid", schedule: SCHEDULE },
    steps: PAIR_STEPS.map((pairs) =>
      pairs.map((pair, i) => ({ ...pair, label: [0.9, 1, 0.5, 0.3][i] }))
    ),
  },
  hinge: { kind: "dpo", loss: "hinge", steps: PAIR_STEPS, schedule: SCHEDULE },
  // Five examples do not go into micro-batches of two, nor three into two processes.
  JSFT: { kind: "sft", steps: [EXAMPLES.slice(0, 5), EXAMPLES.slice(5, 8)], schedule: SCHEDULE },
} as const satisfies Record<string, Lesson>;
