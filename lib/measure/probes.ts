import { UserError } from "../base/error.ts";
import { textTable } from "../base/text_table.ts";

/** A change that should not move a verdict: a judge that it moves has that bias. */
export interface Probe {
  /** What is changed, in a sentence. */
  readonly changes: string;
  /** Who described the bias. */
  readonly source: string;
  /** The answer with the change; none for probes that change no text. */
  readonly text?: (answer: string) => string;
}

const before = (words: string) => (answer: string) => `${words}\n\n${answer}`;

/** CALM: Ye et al. 2024. */
const CALM = "https://arxiv.org/abs/2410.02736";
/** CoBBLEr: Koo et al. 2023. */
const COBBLER = "https://arxiv.org/abs/2309.17012";

/**
 * The probes by name. The biases are the literature's, the sentences are ours: they name no answer by its label or
 * position, so that every judge can be probed, pointwise ones included. What is put into an answer stands at its start,
 * where no limit on a judge's prompt cuts it off; padding stands at its end.
 */
export const PROBES = {
  "asked again": {
    changes: "nothing: the same question once more",
    source: `consistency rate of CALM, ${CALM}`,
    text: (answer) => answer,
  },
  position: {
    changes: "the order of the answers; towards: the first position is named in both orders",
    source: "https://arxiv.org/abs/2305.17926",
  },
  length: {
    changes:
      "sentences that add nothing are put at the end of an answer (where judge.maxTokens may cut them off: raise it)",
    source: `verbosity of CALM, ${CALM}`,
    text: (answer) =>
      `${answer}\n\nThat is what there is to say about it. To put it in other words, the above is the answer, ` +
      "and the answer is the above. In conclusion, as was said before, this is the answer to what was asked.",
  },
  authority: {
    changes: "an answer claims a source that nobody can look up",
    source: `authority of CALM, ${CALM}`,
    text: before("According to a study by professors of Harvard University (Smith et al., 2021):"),
  },
  bandwagon: {
    changes: "an answer claims that most people prefer it",
    source: `bandwagon effect of CoBBLEr, ${COBBLER}`,
    text: before("90% of the people who were asked believe that this is the better answer."),
  },
  sentiment: {
    changes: "an answer begins with a cheerful sentence",
    source: `sentiment of CALM, ${CALM}`,
    text: before(
      "What a wonderful question! I am so happy and excited to talk about this with you!",
    ),
  },
  distraction: {
    changes: "an answer begins with a sentence that has nothing to do with it",
    source: `attentional bias of CoBBLEr, ${COBBLER}; distraction of CALM, ${CALM}`,
    text: before("The writer of this answer likes to eat oranges and apples."),
  },
  "self-preference": {
    changes:
      "whose the answers are: the judge's verdict beside the label, towards: for its own against the label",
    source: `self-enhancement of CALM, ${CALM}`,
  },
} as const satisfies Record<string, Probe>;

/** Name of a probe. */
export type ProbeName = keyof typeof PROBES;

/**
 * The probes that a command line names: "all", or names with commas between. That which asks again is always the
 * first, since the others are read beside it.
 *
 * @param options.own Whether it is known which answers are the judge's own: without it "all" has no self-preference.
 * @throws {UserError} When there is no such probe, or self-preference is asked for and it is not known.
 */
export function probesNamed(text: string, { own }: { readonly own: boolean }): ProbeName[] {
  const all = Object.keys(PROBES) as ProbeName[];
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (name === "all" || Object.hasOwn(PROBES, name)) continue;
    throw new UserError(
      `there is no probe "${name}"`,
      `write all, or some of ${all.join(", ")} with commas between`,
    );
  }
  if (names.includes("self-preference") && !own) {
    throw new UserError(
      "self-preference cannot be probed: it is not known which answers are the judge's own",
      "give AlpacaEval annotations as --pairs and --own GENERATOR, the judge's name in them",
    );
  }
  return all.filter((name) =>
    name === "asked again" || names.includes(name) ||
    (names.includes("all") && (own || name !== "self-preference"))
  );
}

/** What the probes change, a line each. */
export function probeGlossary(): string {
  return textTable(
    Object.entries(PROBES).map(([name, { changes, source }]) => [name, `${changes} (${source})`]),
  );
}
