import { z } from "zod";
import { Rng } from "../base/random.ts";
import type { Found, RatingOptions, RecordPlace } from "./found.ts";
import { stem } from "./lines.ts";
import type { Pair } from "./pair.ts";
import { parseRecord } from "./record.ts";

import type { Demonstration } from "./training_record.ts";

const Rating = z.union([z.string(), z.number(), z.bigint()]).nullish().transform(
  (value, context) => {
    if (value == null || typeof value === "string" && /^\s*(n\/?a|none)?\s*$/i.test(value)) {
      return null;
    }
    const rating = Number(value);
    if (Number.isFinite(rating)) return rating;
    context.addIssue({ code: "custom", message: 'must be a number or "N/A"' });
    return z.NEVER;
  },
);
const Annotation = z.object({
  Rating,
  Rationale: z.string().nullish(),
  "Rationale For Rating": z.string().nullish(),
});
const Row = z.object({
  instruction: z.string(),
  completions: z.array(z.object({
    response: z.string(),
    custom_system_prompt: z.string().nullish(),
    annotations: z.record(z.string(), Annotation.nullish()),
  })),
});

/** An answer with its ratings. */
interface Rated {
  readonly response: string;
  readonly system: string;
  readonly mean: number;
  /** By principle; null: the labeller gave none. */
  readonly ratings: ReadonlyMap<string, number | null>;
  readonly rationales: ReadonlyMap<string, string>;
}

/** Records in a row of UltraFeedback, or why it gives none. */
export function ratedRecords(value: unknown, place: RecordPlace): Found {
  const row = parseRecord(Row, value);
  if ("reason" in row) return row;
  const { instruction, completions } = row.value;
  if (completions.length === 0) return { reason: "there are no completions" };
  const rated = completions.map(ratedAnswer).filter(({ response, mean }) =>
    response.trim() !== "" && !Number.isNaN(mean)
  );
  if (rated.length === 0) return { reason: "no completion has an answer and a rating" };
  const id = `${stem(place.path)}:${place.line}`;
  const rng = Rng.named(place.seed ?? 0, `ratings/${instruction}`);
  const ranked = byMean(rated, place.ratingTies ?? "longer", rng);
  const [best] = ranked;
  const prompt = [{ role: "user", content: instruction } as const];
  const shared = { prompt, source: stem(place.path) };
  const shown: Demonstration = {
    id,
    prompt: best.system === "" ? prompt : [{ role: "system", content: best.system }, ...prompt],
    answer: best.response,
    source: shared.source,
  };
  const draws = place.ratings === "principles"
    ? principlePairs(ranked, rng)
    : meanPair(ranked, rng);
  const pairs = draws.map((drawn): Pair => ({
    id: drawn.principle === undefined ? `${id}/pair` : `${id}/${drawn.principle}`,
    ...shared,
    ...drawn,
    use: "judgments",
  }));
  return { records: [shown, ...pairs], ...(pairs.length === 0 && { tie: true }) };
}

type Drawn = Pick<Pair, "chosen" | "rejected" | "principle" | "rationale">;

/** The best answer against one at random of those with a strictly lower mean. */
function meanPair([best, ...others]: readonly Rated[], rng: Rng): Drawn[] {
  const lower = others.filter(({ mean, response }) =>
    mean < best.mean && differ(best.response, response)
  );
  if (lower.length === 0) return [];
  return [{ chosen: best.response, rejected: drawn(lower, rng).response }];
}

/**
 * A pair for every principle, by its own ratings: of the answers in order of their mean, the first that the
 * principle rates unlike another one, against one at random of those, whichever of the two is rated higher. What
 * the labeller wrote goes with it; answers whose rationale names others by the labeller's numbers ("Text 1") are
 * left out, as by the authors.
 */
function principlePairs(ranked: readonly Rated[], rng: Rng): Drawn[] {
  const principles = new Set(ranked.flatMap(({ ratings }) => [...ratings.keys()]));
  return [...principles].sort().flatMap((principle): Drawn[] => {
    const rating = (answer: Rated) => answer.ratings.get(principle) ?? null;
    const usable = (answer: Rated) => !/Text/.test(answer.rationales.get(principle) ?? "");
    for (const first of ranked) {
      const unlike = ranked.filter((other) =>
        rating(first) !== null && rating(other) !== null && rating(other) !== rating(first) &&
        usable(first) && usable(other) && differ(first.response, other.response)
      );
      if (unlike.length === 0) continue;
      const other = drawn(unlike, rng);
      const [chosen, rejected] = rating(first)! > rating(other)! ? [first, other] : [other, first];
      const [a, b] = [chosen, rejected].map(({ rationales }) => rationales.get(principle) ?? "");
      return [{
        chosen: chosen.response,
        rejected: rejected.response,
        principle: principle.replaceAll("_", "-"),
        ...(a === "" || b === "" ? {} : { rationale: { chosen: a, rejected: b } }),
      }];
    }
    return [];
  });
}

function ratedAnswer(completion: z.infer<typeof Row>["completions"][number]): Rated {
  const annotations = Object.entries(completion.annotations).flatMap(([name, annotation]) =>
    annotation == null ? [] : [[name, annotation] as const]
  );
  const given = annotations.flatMap(([, { Rating }]) => Rating === null ? [] : [Rating]);
  return {
    response: completion.response,
    system: completion.custom_system_prompt ?? "",
    mean: given.reduce((sum, rating) => sum + rating, 0) / given.length,
    ratings: new Map(annotations.map(([name, { Rating }]) => [name, Rating])),
    rationales: new Map(
      annotations.map(([name, { Rationale, ...more }]) => [
        name,
        [Rationale, more["Rationale For Rating"]].filter((text) => text != null && text !== "")
          .join(" "),
      ]),
    ),
  };
}

/** Answers from the best mean rating to the worst. */
function byMean(
  rated: readonly Rated[],
  ties: NonNullable<RatingOptions["ratingTies"]>,
  rng: Rng,
): Rated[] {
  const places = new Map(rng.shuffle([...rated]).map((answer, i) => [answer, i]));
  const length = ({ response }: Rated) => [...response].length; // as Python counts
  const rank: Record<typeof ties, (answer: Rated) => number> = {
    longer: (answer) => -length(answer),
    shorter: length,
    random: (answer) => places.get(answer)!,
  };
  return [...rated].sort((a, b) => b.mean - a.mean || rank[ties](a) - rank[ties](b));
}

const differ = (a: string, b: string): boolean => a.trim() !== b.trim();
const drawn = <T>(items: readonly T[], rng: Rng): T => rng.shuffle([...items])[0];
