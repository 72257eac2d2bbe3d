import { UserError } from "../base/error.ts";
import type { AnswerEncoder, Method, Ranker } from "../method/mod.ts";
import { type LanguageModel, type WithModel, withModel } from "../model/mod.ts";
import type { Pair } from "../preference/mod.ts";
import { coin } from "./coin.ts";
import { givenRanker } from "./given_judge.ts";
import { RUN_RANKERS } from "./settings.ts";
import type { Session } from "./session.ts";

/** What a ranker is made from. */
export interface RankerParts<S extends Session = Session> {
  readonly session: S;
  /** The policy in training. */
  readonly model: LanguageModel;
  /** The model that it started from. */
  readonly reference: WithModel;
  readonly seed: number;
  /** Where the judgments of a judge that does not change are kept; null for memory alone. */
  readonly cacheFile: string | null;
  /** The method's numbers. */
  readonly parameters: Method["parameters"];
  readonly encoder: AnswerEncoder;
  readonly microBatchTokens: number;
  /** The stage's folder. */
  readonly folder: string;
  /** The data set's labelled pairs, for a ranker that learns. */
  readonly labelled: () => Promise<readonly Pair[]>;
}

/**
 * The ranker that a method names, from what every run has; null where the data set's labels rank, or nobody.
 *
 * @throws {UserError} for one that needs another model, or a world whose truth is known
 */
export async function rankerOf(
  ranker: Method["ranker"],
  parts: RankerParts,
): Promise<Ranker | null> {
  const { session, model, reference, seed, cacheFile } = parts;
  switch (ranker) {
    case "labels":
    case "none":
      return null;
    case "judge":
      return await session.judge(reference, { cacheFile });
    case "policy":
      return await session.judge(withModel(model), { cacheFile: null });
    case "given":
      return await givenRanker("ranker", { session, cacheFile });
    case "chance":
      return coin(seed);
    case "discriminator":
    case "dpo-discriminator": {
      if (session.discriminatorOf === null) break;
      const { tuning } = session.config.selfJudge;
      return await session.discriminatorOf(ranker, {
        ...parts,
        adapter: tuning,
        labelled: await parts.labelled(),
      });
    }
  }
  throw new UserError(
    `a run has no ranker "${ranker}"`,
    `choose a method whose ranker is one of ${RUN_RANKERS.join(", ")}`,
  );
}
