/** A model of a fleet, as a stage asks it. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { type KeptAnswers, keptAnswers } from "../base/kept_answers.ts";
import { Rng } from "../base/random.ts";
import { decodedAnswers, type SampledAnswer } from "../method/mod.ts";
import { checkSampling, SAMPLING_DEFAULTS } from "../model/mod.ts";
import type { AnswerRequest as StageRequest, StageModel } from "../run/mod.ts";
import type { Fleet } from "./fleet.ts";
import type { PublishedAdapter } from "./fleet_adapter.ts";
import { settled } from "./settled.ts";
import type { AnswerRequest } from "./vllm_wire.ts";

/** An answer of a fleet, with what the trainer compares its own numbers to. */
export interface FleetSample extends SampledAnswer {
  /** Summed log-probability of its tokens, the end token among them, at temperature 1, by the server. */
  readonly logProb: number;
  /** Who gave it. */
  readonly server: string;
}

/** A {@linkcode StageModel} on servers. */
export interface FleetModel extends StageModel {
  sample(
    prompts: readonly (readonly number[])[],
    request: StageRequest,
  ): Promise<FleetSample[][]>;
}

/** Settings of {@linkcode fleetModel}. */
export interface FleetModelOptions {
  /** Names the weights without the adapter: their fingerprint, else the model's name and revision. */
  readonly base: string;
  /** JSONL file of answers, each kept as it comes; what is in it is not asked again. @default none */
  readonly answers?: string;
}

/** The answers to one prompt as they are kept: their tokens with the end token where the model drew one. */
const keptSchema = z.object({
  drawn: z.array(z.object({
    ids: z.array(z.int()).min(1),
    logProb: z.number(),
    ended: z.boolean(),
    server: z.string(),
  })),
});
type Kept = z.output<typeof keptSchema>;

/**
 * The servers' base model, or an adapter on it, as what a stage samples from and judges by.
 *
 * A prompt's seed on the server follows from the call's seed and the prompt's stream, so that the same call asks for the
 * same; what comes back is the same only as far as vLLM's own batching is.
 *
 * @param adapter Null: the weights without one, which are the judge of the paper before JSFT.
 *
 * @example
 * ```ts ignore
 * const policy = fleetModel(fleet, await fleetAdapter(`${round}/adapter`, { name: "run-000012", cluster }), {
 *   base: fingerprint,
 *   answers: `${round}/answers.jsonl`,
 * });
 * const [[first, second]] = await policy.sample([promptIds], { encoder, samples: 2, maxNewTokens: 64, seed: 7 });
 * ```
 */
export function fleetModel(
  fleet: Fleet,
  adapter: PublishedAdapter | null,
  { base, answers: path }: FleetModelOptions,
): FleetModel {
  let named: Promise<string> | undefined;
  const fingerprint = () => named ??= fingerprintOf(fleet, { adapter, base });
  const kept = lazily(() => path === undefined ? null : openAnswers(path));

  async function answersTo(request: AnswerRequest): Promise<Kept> {
    const key = keyOf(await fingerprint(), request);
    const before = kept()?.get(key);
    if (before) return before;
    const came = await fleet.answers(adapter, request);
    const drawn = came.map(({ ids, logProbs, ended, server }) => ({
      ...{ ids: [...ids], ended, server },
      logProb: logProbs.reduce((sum, value) => sum + value, 0),
    }));
    kept()?.add([[key, { drawn }]]);
    return { drawn };
  }

  return {
    fingerprint,
    scorer: (store) => ({
      probabilities: (prompts, tokens) =>
        settled(prompts.map(async (prompt) => {
          const found = await fleet.labels(adapter, prompt, tokens);
          const [a, b] = found;
          store?.add([[store.key(prompt, [tokens[0], tokens[1]]), { a, b }]]);
          return found;
        })),
    }),
    async sample(prompts, request) {
      const { encoder, samples = 1, maxNewTokens, seed, streams, onToken, onProgress } = request;
      if (onToken) throw new Error("servers do not tell of tokens as they are drawn");
      const { temperature, topK, topP } = { ...SAMPLING_DEFAULTS, ...request };
      checkSampling({ temperature, topK, topP });
      const { endIds: stopIds } = encoder.tokenizer;
      let finished = 0;
      const all = await settled(prompts.map(async (prompt, i) => {
        const stream = Rng.named(seed, `sample/${streams?.[i] ?? i}`);
        const answers = await answersTo({
          ...{ prompt, n: samples, maxTokens: maxNewTokens, temperature, topP, topK, stopIds },
          seed: stream.int(0x7fff_0000), // vLLM gives the nth answer the seed plus n
        });
        onProgress?.(finished += samples, prompts.length * samples);
        return answers.drawn;
      }));
      const generations = all.map((drawn) =>
        drawn.map(({ ids, ended }) =>
          ended
            ? { ids: ids.slice(0, -1), end: "stop" as const, endId: ids.at(-1)! }
            : { ids: [...ids], end: "length" as const, endId: null }
        )
      );
      return decodedAnswers(generations, prompts, encoder).map((answers, i) =>
        answers.map((answer, n) => {
          const { logProb, server } = all[i][n];
          return { ...answer, logProb, server };
        })
      );
    },
  };
}

function openAnswers(path: string): KeptAnswers<Kept> {
  return keptAnswers<Kept>({
    path,
    write: ({ drawn }) => ({ drawn }),
    read: (fields) => keptSchema.safeParse(fields).data,
    what: "answers of a prompt",
  });
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What a model says depends on: the weights, the adapter on them, and what computes with which precision. */
async function fingerprintOf(
  fleet: Fleet,
  { adapter, base }: { readonly adapter: PublishedAdapter | null; readonly base: string },
): Promise<string> {
  const versions = [...new Set((await fleet.about()).map(({ version }) => version))].sort();
  const engine = `vllm ${versions.join("+")} ${fleet.cluster.serve.dtype}`;
  return [engine, base, ...(adapter ? [adapter.hash] : [])].join(" | ");
}

/** Where the answers to a request are kept. */
function keyOf(fingerprint: string, request: AnswerRequest): string {
  return createHash("sha256").update(JSON.stringify([fingerprint, request])).digest("base64url")
    .slice(0, 32);
}
