import { resolve } from "node:path";
import { UserError } from "../base/error.ts";
import type { Judge, Winner } from "../method/mod.ts";
import {
  comparisonKey,
  type GivenLabel,
  type LoadedEvidence,
  loadEvidence,
} from "../measure/mod.ts";
import { splitKey } from "../preference/mod.ts";
import type { AnnotatedPair, Judged, UnlabelledPair } from "./annotate.ts";

/** The choices of a gold sample, by pair, and what its files have beside them. */
export interface GoldLabels extends Pick<LoadedEvidence, "leftOut" | "warnings"> {
  readonly files: readonly string[];
  /** Its choice, and the answer that it has first; null where its file's order follows from the choice. */
  readonly of: (pair: UnlabelledPair) => { choice: string | "tie"; first: string | null } | null;
  readonly size: number;
}

/** No gold sample: nothing is in it. */
export const NO_GOLD: GoldLabels = {
  files: [],
  of: () => null,
  size: 0,
  leftOut: {},
  warnings: [],
};

/**
 * Reads a gold sample: labelled pairs of any format, AlpacaEval's annotations with their ties. A label by a principle is
 * gold for pairs of that principle alone.
 *
 * @throws {UserError} as `loadEvidence`
 */
export async function readGold(
  files: readonly string[],
  { seed, onBadLine }: { readonly seed: number; readonly onBadLine?: "fail" | "skip" },
): Promise<GoldLabels> {
  const { evidence, leftOut, warnings } = await loadEvidence(files, { seed, onBadLine });
  // A file that names the better answer has it first, so that its order is no order.
  const ordered = new Set(
    evidence.filter(({ label }) => label !== "first").map(({ file }) => file),
  );
  const labels = new Map(evidence.map(({ file, comparison, label }) => {
    const { first, second } = comparison;
    return [comparisonKey(comparison), {
      choice: label === "tie" ? "tie" : label === "first" ? first : second,
      first: ordered.has(file) ? first : null,
    }];
  }));
  return {
    ...{ files, leftOut, warnings },
    size: labels.size,
    of: (pair) => labels.get(comparisonKey(pair)) ?? null,
  };
}

/** Refuses a gold sample that the judge has its verdicts from. @throws {UserError} */
export function refuseOwnGold({ sources = [], name }: Judge, { files }: GoldLabels): void {
  const taken = new Set(sources.map((source) => resolve(source)));
  const own = files.find((file) => taken.has(resolve(file)));
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
