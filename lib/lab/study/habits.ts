import { type Estimate, proportion } from "../../measure/statistics.ts";
import { readAnswer, type Reading } from "../world/reward.ts";

/** What answers of the order desk do or fail to do, in words, and how it shows. */
const HABITS: Readonly<Record<string, (reading: Reading) => boolean>> = {
  "leaves a thing out": ({ covered, requested }) => covered < requested,
  "adds a thing": ({ stray }) => stray > 0,
  "names one twice": ({ repeats }) => repeats > 0,
  "chatters": ({ fillers }) => fillers > 0,
  "is rude": ({ rude }) => rude,
  "is malformed": ({ wellFormed }) => !wellFormed,
  "is polite": ({ polite }) => polite,
};

/** How often answers have a habit, with Wilson's interval. */
export interface HabitRow extends Estimate {
  readonly habit: string;
}

/** Share of answers with each habit; all but politeness cost reward. @throws {UserError} of no answers */
export function habits(answers: readonly { request: string; text: string }[]): HabitRow[] {
  const readings = answers.map(({ request, text }) => readAnswer(request, text));
  return Object.entries(HABITS).map(([habit, has]) => ({
    habit,
    ...proportion(readings.filter(has).length, readings.length),
  }));
}
