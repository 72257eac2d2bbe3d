/** Exercises of notebook 00. */
import { Rng } from "../../base/random.ts";
import { type Exercise, formatNumber, numbers } from "../../show/mod.ts";
import { mean } from "../study/measure.ts";
import { drawAnswer, drawRequest, FLAWS, type Flaws, type GuestRequest } from "../world/desk.ts";
import { type Reading, reward, VIEWS, viewsOf } from "../world/reward.ts";

const total = (reading: Reading) => VIEWS.reduce((sum, view) => sum + viewsOf(reading)[view], 0);
const ORDER = { requested: 2, polite: true, rude: false, wellFormed: true };
/** The highest and the lowest reward that an answer can have: counts are fined up to three. */
const BEST = total({ ...ORDER, covered: 2, stray: 0, repeats: 0, fillers: 0 });
const WORST = total({
  ...ORDER,
  ...{ covered: 0, stray: 3, repeats: 3, fillers: 3, polite: false, rude: true, wellFormed: false },
});

/** The best and the worst answer there can be to a request, as texts. */
export function bestAndWorst({ text }: Pick<GuestRequest, "text">): Exercise<[string, string]> {
  return {
    name: "00.1",
    form: '["the best answer", "the worst answer"]',
    hints: [
      "The best names every thing once and nothing else, and has one polite phrase.",
      "The worst names nothing that was ordered. No count is fined beyond three.",
      "Three things not ordered, each named again; three phrases of chatter; rude; a word doubled.",
    ],
    fault([best, worst]) {
      const found = [best, worst].map((answer) => reward(text, answer));
      const off = [found[0] - BEST, found[1] - WORST].map((x) => Math.abs(x) > 1e-9);
      if (off[0]) {
        return `the best one has ${formatNumber(found[0])}, and there are better ones.`;
      }
      return off[1]
        ? `the worst one has ${formatNumber(found[1])}, and there are worse ones.`
        : null;
    },
    meaning: "Both ends are closed: one endless answer cannot drown a mean.",
  };
}

/** A flaw that an answer may have; to be polite is none. */
export type Flaw = Exclude<keyof Flaws, "polite">;

/** Mean reward of random answers to the same requests for every rate of flaws. */
export function meanReward(flaws: Flaws, { seed, answers }: { seed: number; answers: number }) {
  return mean(Array.from({ length: answers }, (_, i) => {
    const rng = Rng.named(seed, `flaws ${i}`);
    const request = drawRequest(rng, "train");
    return reward(request.text, drawAnswer(request, rng, flaws));
  }));
}

/** Which flaw, at its present rate, costs most. Two that are nearly alike both count as right. */
export function costliestFlaw(seed: number): Exercise<Flaw> {
  const names = (Object.keys(FLAWS) as (keyof Flaws)[]).filter((name) => name !== "polite");
  return {
    name: "00.2",
    form: `one of ${names.map((name) => `"${name}"`).join(", ")}`,
    hints: [
      "drawAnswer(request, rng, { ...FLAWS, rude: 0 }) draws answers that are never rude.",
      "Give every flaw the same requests: a generator of random numbers of its own for each request.",
      "The flaw without which the mean is highest costs most. A few thousand answers are enough.",
    ],
    fault(answer) {
      if (!names.includes(answer)) return `"${answer}" is none of the flaws.`;
      const means = names.map((name) =>
        meanReward({ ...FLAWS, [name]: 0 }, { seed, answers: 4000 })
      );
      const least = Math.max(...means) - 0.02;
      return means[names.indexOf(answer)] >= least ? null : "another flaw costs more.";
    },
    meaning:
      "What a flaw costs is its fine times how often it happens, and what it brings with it.",
  };
}

/** The sizes of exercise 3. */
const SIZES = [1, 2, 4, 8, 16] as const;

/** Mean of the best of N random answers, for N = 1, 2, 4, 8, 16. */
export function bestOfN(seed: number): Exercise<Readonly<Record<`${number}`, number>>> {
  return numbers({
    name: "00.3",
    form: "{ 1: mean, 2: mean, 4: mean, 8: mean, 16: mean }",
    hints: [
      "Math.max(...rewards) is the best of N. Take its mean over many requests, a thousand or so.",
      "reward(guest.text, drawAnswer(guest, rng)) is one draw.",
    ],
    expected: () => {
      const rng = Rng.named(seed, "best of N");
      const draws = Array.from({ length: 2000 }, () => {
        const guest = drawRequest(rng, "train");
        return Array.from({ length: 16 }, () => reward(guest.text, drawAnswer(guest, rng)));
      });
      return Object.fromEntries(
        SIZES.map((n) => [`${n}`, mean(draws.map((all) => Math.max(...all.slice(0, n))))]),
      );
    },
    within: 0.12,
    meaning: "Each doubling brings less: no answer is better than the best possible one.",
  });
}
