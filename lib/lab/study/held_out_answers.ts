/** Tables of a row's held-out answers, before training and after. @module */
import { chosenPoint, heldOutIn, pointsIn, type RewardPoint } from "./policy_meter.ts";

/** Prompts of the table of samples. */
const SHOWN = 40;

/** The first held-out prompts' answers at some measurements of a row, unselected; none where it has no second one. */
async function answersOf(
  path: string,
  { row, requests, at }: {
    row: string;
    requests: readonly string[];
    /** The steps beside 0, by the name of their column. */
    at: (points: readonly RewardPoint[]) => Record<string, number>;
  },
): Promise<object[]> {
  const heldOut = await heldOutIn(`${path}/${row}`);
  const points = await pointsIn(`${path}/${row}`);
  if (heldOut.length < 2 || points.length < 2) return [];
  const steps = at(points);
  const found = Object.entries({ before: 0, ...steps }).map(([name, wanted]) => ({
    name,
    ...heldOut.find(({ step }) => step === wanted)!,
  }));
  return found[0].texts.slice(0, SHOWN).map((_, i) => ({
    prompt: requests[i],
    ...Object.fromEntries(found.map(({ name, texts }) => [name, texts[i]])),
    ...Object.fromEntries(found.map(({ name, rewards }) => [`reward_${name}`, rewards[i]])),
    ...Object.fromEntries(Object.entries(steps).map(([name, step]) => [`step_${name}`, step])),
  }));
}

/** SELF-JUDGE at the chosen step and at the last one: of each base's first run. */
export const chosenAnswers = (path: string, requests: readonly string[]) =>
  answersOf(path, {
    ...{ row: "self-judge", requests },
    at: (points) => ({ after: chosenPoint(points, "truth").step, last: points.at(-1)!.step }),
  });

/** A row at its last step. */
export const lastAnswers = (path: string, row: string, requests: readonly string[]) =>
  answersOf(path, { row, requests, at: (points) => ({ after: points.at(-1)!.step }) });
