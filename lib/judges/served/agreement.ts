import { type LanguageModel, withAdapterOff } from "../../model/mod.ts";
import { readPairs } from "../../preference/mod.ts";
import { ChatTemplate, openTokenizer } from "../../text/mod.ts";
import { PairwiseJudge } from "../../method/judge.ts";
import type { Comparison, Judgment } from "../../method/judgment.ts";
import { modelScorer } from "../../method/judge.ts";
import { principlesNamed } from "../../method/principle.ts";
import { JudgeTemplate } from "../../method/template.ts";
import { askedForLetter } from "./wording.ts";

/** How two judges of the same comparisons differ. */
export interface Agreement {
  readonly n: number;
  /** Largest difference of P(A) or P(B), over both positions. */
  readonly largest: number;
  /** Mean absolute difference of these. */
  readonly mean: number;
  readonly sameWinners: number;
  /** The narrowest lead, |pFirst - 1/2|, of the judge in this process. */
  readonly narrowestLead: number;
}

/** Compares judgments, one by one. */
export function agreement(ours: readonly Judgment[], theirs: readonly Judgment[]): Agreement {
  const differences = ours.flatMap((own, i) =>
    (["forward", "backward"] as const).flatMap((order) =>
      (["a", "b"] as const).map((position) =>
        Math.abs(own[order][position] - theirs[i][order][position])
      )
    )
  );
  return {
    n: ours.length,
    largest: Math.max(...differences),
    mean: differences.reduce((sum, d) => sum + d, 0) / differences.length,
    sameWinners: ours.filter(({ winner }, i) => winner === theirs[i].winner).length,
    narrowestLead: Math.min(...ours.map(({ pFirst }) => Math.abs(pFirst - 0.5))),
  };
}

/** A judge in this process that reads what a served one is asked over an API. */
export async function judgeHere(
  model: LanguageModel,
  path: string,
  { api, principle: name }: { api: "completions" | "chat"; principle: string },
): Promise<PairwiseJudge> {
  const tokenizer = await openTokenizer(path);
  const [principle] = principlesNamed([name]);
  const template = new JudgeTemplate({
    tokenizer,
    chat: ChatTemplate.of(tokenizer),
    ...(api === "chat"
      ? { principle: askedForLetter(principle), labels: ["A", "B"] as const }
      : { principle }),
  });
  return new PairwiseJudge({ scorer: modelScorer(withAdapterOff(model)), templates: [template] });
}

/** The first pairs of a file whose texts have at most so many characters, chosen and rejected in turns. */
export async function shortComparisons(
  path: string,
  { count, characters }: { count: number; characters: number },
): Promise<Comparison[]> {
  const found: Comparison[] = [];
  for await (const { prompt, chosen, rejected } of readPairs(path, { onBadLine: "skip" })) {
    const length = prompt.reduce((sum, { content }) => sum + content.length, 0) +
      chosen.length + rejected.length;
    if (length > characters) continue;
    const [first, second] = found.length % 2 === 0 ? [chosen, rejected] : [rejected, chosen];
    found.push({ prompt, first, second });
    if (found.length === count) break;
  }
  return found;
}
