import { UserError } from "../base/error.ts";
import type { Winner } from "../method/mod.ts";
import { type GivenLabel, loadEvidence } from "../measure/mod.ts";
import type { Judge } from "../method/mod.ts";
import { splitKey } from "../preference/mod.ts";
import { type AnnotatedPair, type Judged, pairKey, type UnlabelledPair } from "./annotate.ts";

/** The choices of a gold sample, by pair. */
export interface GoldLabels {
  readonly files: readonly string[];
  /** Its choice, and the answer that it has first; null where its file's order follows from the choice. */
  readonly of: (pair: UnlabelledPair) => { choice: string | "tie"; first: string | null } | null;
  readonly size: number;
}

/** No gold sample: nothing is in it. */
export const NO_GOLD: GoldLabels = { files: [], of: () => null, size: 0 };

/**
 * Reads a gold sample: labelled pairs of any format, AlpacaEval's annotations with their ties.
 *
 * @throws {UserError} as `loadEvidence`
 */
export async function readGold(
  files: readonly string[],
  { seed, onBadLine }: { readonly seed: number; readonly onBadLine?: "fail" | "skip" },
): Promise<GoldLabels> {
  const { evidence } = await loadEvidence(files, { seed, onBadLine });
  // A file that names the better answer has it first, so that its order is no order.
  const ordered = evidence.some(({ label }) => label !== "first");
  const labels = new Map(evidence.map(({ comparison: { prompt, first, second }, label }) => [
    pairKey(prompt, first, second),
    {
      choice: label === "tie" ? "tie" : label === "first" ? first : second,
      first: ordered ? first : null,
    },
  ]));
  return {
    files,
    size: labels.size,
    of: ({ prompt, first, second }) => labels.get(pairKey(prompt, first, second)) ?? null,
  };
}

/** Refuses a gold sample that the judge has its verdicts from. @throws {UserError} */
export function refuseOwnGold({ sources = [], name }: Judge, { files }: GoldLabels): void {
  const own = files.find((file) => sources.includes(file));
  if (own === undefined) return;
  throw new UserError(
    `the gold sample ${own} is where the judge ${name} has its verdicts from`,
    "name a sample that others labelled with --gold, or another judge",
  );
}

/** Labels beside gold's, with their prompts as clusters; what has no label is left out. */
export function besideGold(
  judged: readonly Judged[],
  gold: GoldLabels,
): { labels: GivenLabel[]; clusters: string[] } {
  const labelled = judged.filter((one): one is Judged & { label: AnnotatedPair } =>
    one.label !== null
  );
  return {
    labels: labelled.map(({ pair, label: { J, chosen: [{ content }] } }): GivenLabel => {
      const known = gold.of(pair);
      const first = known?.first ?? pair.first;
      const side = (answer: string) => answer === first ? "first" : "second";
      const winner: Winner | null = known === null
        ? null
        : known.choice === "tie"
        ? "tie"
        : side(known.choice);
      return { J, chosen: side(content), gold: winner };
    }),
    clusters: labelled.map(({ pair }) => splitKey(pair.prompt)),
  };
}
