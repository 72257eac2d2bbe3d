import type { AnswerEncoder, Method, Ranker } from "../method/mod.ts";
import type { LoraConfig, WithModel } from "../model/mod.ts";
import type { Pair } from "../preference/mod.ts";

/** What a discriminator is that learns beside the policy. */
export type DiscriminatorKind = Extract<
  Method["ranker"],
  "discriminator" | "dpo-discriminator"
>;

/** What a discriminator is made from. */
export interface DiscriminatorParts {
  /** The model that the policy started from: its weights are the discriminator's, under an adapter of its own. */
  readonly reference: WithModel;
  readonly adapter: LoraConfig;
  readonly encoder: AnswerEncoder;
  /** The data set's pairs, of which it learns first; it may be none. */
  readonly labelled: readonly Pair[];
  /** The method's numbers. */
  readonly parameters: Method["parameters"];
  readonly microBatchTokens: number;
  readonly seed: number;
  /** Where what it has learned is kept. */
  readonly folder: string;
}

/** Makes one; whoever makes the session knows how. */
export type DiscriminatorOf = (
  kind: DiscriminatorKind,
  parts: DiscriminatorParts,
) => Promise<Ranker>;
