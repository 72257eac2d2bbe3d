import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { drawDemonstrations, type JudgeQuestion, withDemonstrations } from "../method/mod.ts";
import { collectPairs } from "../preference/mod.ts";
import type { RunConfig } from "./config.ts";

/**
 * A judge's questions with the demonstrations that the settings ask for before them.
 *
 * @param options.end The token that ends the judge's reply.
 * @throws {UserError} where no file of pairs is named, it has too few prompts, or judge.maxTokens has no room for them
 */
export async function demonstrated(
  questions: JudgeQuestion[],
  { judge, seed, end }: Pick<RunConfig, "judge" | "seed"> & { end: number },
): Promise<JudgeQuestion[]> {
  const { demonstrations: count, demonstrationsFile: file, maxTokens } = judge;
  if (count === 0) return questions;
  if (file === null) {
    throw new UserError(
      `judge.demonstrations is ${count}, and no file of pairs is named to draw them from`,
      "name one with --set judge.demonstrationsFile=FILE, other pairs than those that are judged",
    );
  }
  const { pairs } = await collectPairs(file, { onBadLine: "skip" });
  const rng = Rng.named(seed, "judge/demonstrations");
  const demonstrations = drawDemonstrations(pairs, { count: count + 1, rng });
  if (demonstrations.length <= count) {
    throw new UserError(
      `${file} has pairs of ${demonstrations.length} prompts, too few for ${count} demonstrations and one to spare`,
      "give more pairs, or lower judge.demonstrations",
    );
  }
  return questions.map((question) =>
    withDemonstrations(question, { demonstrations, count, end: [end], maxTokens })
  );
}
