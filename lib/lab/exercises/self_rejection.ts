/** Exercises of notebook 05. */
import { inverted } from "../../measure/mod.ts";
import { type Compare, type Contest, tournaments } from "../../method/mod.ts";
import { Rng } from "../../base/random.ts";
import { type Exercise, numbers } from "../../show/mod.ts";
import { mean } from "../study/measure.ts";

/** Knockouts that are played again, and who judges them. */
interface Played {
  readonly contests: readonly Contest[];
  readonly compare: Compare;
  readonly seed: number;
}

/** The share of contests that the same text wins in five draws. */
export function luckOfTheDraw(
  { contests, compare, seed }: Played,
): Exercise<{ always: number }> {
  return numbers({
    name: "05.1",
    form: "{ always: share of requests }",
    hints: [
      "tournaments(contests, { compare: own, rng: Rng.named(seed, `draw ${draw}`) }) plays one draw.",
      "Of each request keep the winners' texts of five draws in a Set, and count the sets of one.",
    ],
    async expected() {
      const draws: string[][] = [];
      for (let draw = 0; draw < 5; draw++) {
        const rng = Rng.named(seed, `check of draw ${draw}`);
        const played = await tournaments(contests, { compare, rng });
        draws.push(played.map(({ winner, candidates }) => candidates[winner]));
      }
      const winners = contests.map((_, i) => new Set(draws.map((texts) => texts[i])).size);
      return { always: mean(winners.map((count) => Number(count === 1))) };
    },
    // Other draws are as good; of three contests one may differ.
    within: Math.max(0.12, 1.5 / contests.length),
    meaning:
      "A judge without circles and ties ranks all answers in one line, and the top of the line wins any draw.",
  });
}

/**
 * The mean number of different texts among the answers to a request.
 *
 * @param drawn By policy, of each request its answers.
 */
export function differentTexts(
  drawn: Readonly<Record<"jsft" | "self-judge", readonly (readonly { text: string }[])[]>>,
): Exercise<{ jsft: number; selfJudge: number }> {
  const count = (policy: keyof typeof drawn) =>
    mean(drawn[policy].map((answers) => new Set(answers.map(({ text }) => text)).size));
  return numbers({
    name: "05.2",
    form: "{ jsft: mean, selfJudge: mean }",
    hints: ["new Set(texts).size is the number of different texts."],
    expected: () => ({ jsft: count("jsft"), selfJudge: count("self-judge") }),
    within: 1e-3,
    meaning: "The fewer different answers there are, the less is left to choose.",
  });
}

/**
 * Mean reward of the judge's last among all candidates.
 *
 * @param options.rewards Of each contest, those of its candidates.
 */
export function worstOfN(
  { contests, compare, seed, rewards }: Played & {
    rewards: readonly (readonly number[])[];
  },
): Exercise<{ last: number }> {
  return numbers({
    name: "05.3",
    form: "{ last: mean true reward }",
    hints: [
      "inverted(own), of lib/measure/mod.ts, is the judge turned round: its favourite is the one that own likes least.",
      "The winner of a knockout under it has the index `winner`; take that candidate's reward.",
    ],
    async expected() {
      const rng = Rng.named(seed, "check of worst");
      const played = await tournaments(contests, { compare: inverted(compare), rng });
      return { last: mean(played.map(({ winner }, i) => rewards[i][winner])) };
    },
    within: 0.15 + 3 / contests.length,
    meaning: "If the judge knew nothing, its last would be worth as much as its first.",
  });
}
