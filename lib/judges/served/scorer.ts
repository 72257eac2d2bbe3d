import type { JudgmentCache } from "../../run/judgment_cache.ts";
import type { TokenScorer } from "../../method/judge.ts";
import type { LabelProbabilities } from "../../method/judgment.ts";
import type { ServedClient } from "./client.ts";
import type { Wire } from "./wire.ts";
import type { ServedPrompt } from "./wording.ts";

/** Settings of a {@linkcode ServedScorer}. */
export interface ServedScorerOptions {
  readonly client: ServedClient;
  readonly wire: Wire;
  /** What a prompt's ids stand for. */
  readonly promptOf: (ids: readonly number[]) => ServedPrompt;
  /** The judge's own cache: each answer goes to it as it comes, so that a kill loses none paid for. */
  readonly cache: JudgmentCache;
}

/** A server as what a `PairwiseJudge` needs: one request a prompt. */
export class ServedScorer implements TokenScorer {
  /** Answers in which a label was not listed, and the most probability one may so have lost. */
  readonly counts = { unseen: 0, mostUnseen: 0 };
  /** Answers that name neither label, and what the first of them was. */
  readonly unread: { answers: number; first: string | null } = { answers: 0, first: null };
  readonly #options: ServedScorerOptions;
  readonly #underWay = new Map<string, Promise<LabelProbabilities>>();

  constructor(options: ServedScorerOptions) {
    this.#options = options;
  }

  /**
   * Waits for all prompts, also when one fails, so that what is paid for is kept.
   *
   * @throws {ServedError} Of the first prompt that failed.
   */
  async probabilities(
    prompts: readonly (readonly number[])[],
    labelIds: readonly number[],
  ): Promise<number[][]> {
    const [a, b] = labelIds;
    const asked = await Promise.allSettled(prompts.map((prompt) => this.#ask(prompt, [a, b])));
    return asked.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return [result.value.a, result.value.b];
    });
  }

  #ask(
    prompt: readonly number[],
    labelIds: readonly [number, number],
  ): Promise<LabelProbabilities> {
    const { client, wire, promptOf, cache } = this.#options;
    const key = cache.key(prompt, labelIds);
    let answer = this.#underWay.get(key);
    if (!answer) {
      answer = client.ask(wire.path, wire.request(promptOf(prompt)), (reply) => wire.read(reply))
        .then(({ positions, unseen, unread }) => {
          if (unread !== undefined) {
            this.unread.answers++;
            this.unread.first ??= unread;
          }
          if (unseen > 0) this.counts.unseen++;
          this.counts.mostUnseen = Math.max(this.counts.mostUnseen, unseen);
          cache.add([[key, positions]]);
          return positions;
        })
        .finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, answer);
    }
    return answer;
  }
}
