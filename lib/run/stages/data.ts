import {
  type AnswerEncoder,
  answerExample,
  methodNamed,
  refuseWithoutStrengths,
} from "../../method/mod.ts";
import { characters } from "../../base/characters.ts";
import { UserError } from "../../base/error.ts";
import {
  type BadLine,
  badLineError,
  type DataSource,
  demonstrationsIn,
  describeBadLine,
  isPair,
  judgedPairsIn,
  type Pair,
  type PairFormat,
  promptsIn,
  type ReadOptions,
  readSources,
  type SourceRow,
  splitByPrompt,
  splitKey,
  type TrainingRecord,
} from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { readJsonl, writeJsonl } from "../../base/files.ts";
import { TemplateRefusal } from "../../text/mod.ts";
import { dataFiles, type Located, locateData } from "../source.ts";
import type { RunContext, RunStage } from "../pipeline.ts";

/** What a run trains on or holds out, as the data stage left it: pairs, and answers to imitate alone. */
export function recordsOf(
  context: Pick<RunContext, "folderOf">,
  side: "train" | "held_out",
): Promise<TrainingRecord[]> {
  return readJsonl<TrainingRecord>(`${context.folderOf("data")}/${side}.jsonl`);
}

/** The pairs among them whose preference is learned or measured. */
export async function pairsOf(
  context: Pick<RunContext, "folderOf">,
  side: "train" | "held_out",
): Promise<Pair[]> {
  return judgedPairsIn(await recordsOf(context, side));
}

/** The first so many held-out prompts, each once: pairs of several principles share theirs. */
export async function heldOutPrompts(
  context: Pick<RunContext, "folderOf">,
  count: number,
): Promise<Pick<Pair, "id" | "prompt">[]> {
  return promptsIn(await recordsOf(context, "held_out")).slice(0, count);
}

/** Reads preferences, keeps those that fit, and splits them by prompt. */
export const dataStage: RunStage = {
  name: "data",
  title: "read the preferences, keep what fits, hold out prompts",
  needs: [],
  config: ({ seed, model, frozenDtype, chat, data }) => ({ seed, model, frozenDtype, chat, data }),

  async run({ config, folder, session, log }) {
    const { data, seed } = config;
    const { heldOut, maxTokens } = data;
    const located: Located[] = [];
    // One after the other: two may be the same download.
    for (const { source } of data.sources) located.push(await locateData(source, { log }));
    const badLines: BadLine[] = [];
    const report = (bad: BadLine) => void badLines.push(bad);
    const rows = readSources(
      data.sources.map(({ source, format, use }, i): DataSource => ({
        name: located[i].origin === "local" ? undefined : source.replaceAll("/", "-"),
        files: dataFiles(located[i]),
        format: format as PairFormat | null,
        use,
      })),
      {
        onBadLine: data.onBadLine,
        ratings: data.ratings,
        ratingTies: data.ratingTies,
        seed,
        report,
      },
    );
    const fit = fitter(await session.encoder(), { onBadLine: data.onBadLine, report });
    const fitting: FittingRow[] = [];
    for await (const row of rows) {
      const records = fit.of(row);
      if (records.length > 0) fitting.push({ prompt: records[0].prompt, records });
    }
    await writeJsonl(`${folder}/bad_lines.jsonl`, badLines);

    const sources = data.sources.map(({ source, use }, i) => {
      const { origin, path } = located[i];
      const refused = fit.refused.get(i) ?? 0;
      return { source, use, path, origin, ...rows.counts[i], refused };
    });
    for (
      const { path, origin, use, pairs, demonstrations, unused, refused, ...counts } of sources
    ) {
      log(
        `${origin === "local" ? path : origin}: ${pairs} pairs, ` +
          (demonstrations > 0 ? `${demonstrations} answers to imitate alone, ` : "") +
          `${counts.bad + refused} bad, ${counts.ties} ties` +
          (use === "both" ? "" : `, used for ${use}`) +
          (unused > 0 ? `; ${unused} have nothing for that use` : ""),
      );
      for (const [reason, n] of Object.entries(counts.reasons)) log(`  skipped ${n}: ${reason}`);
      if (refused > 0) log(`  skipped ${refused}: the chat template refuses the turns`);
    }
    for (const bad of badLines.slice(0, SHOWN)) log(`  skipped: ${describeBadLine(bad)}`);
    if (badLines.length > SHOWN) {
      log(`  skipped: ${badLines.length - SHOWN} more, see bad_lines.jsonl`);
    }
    if (fit.notFound > 0) log(`${fit.notFound} pairs left out: ${NOT_FOUND}`);
    log(`${fit.tooLong} pairs longer than ${maxTokens} tokens left out, ${fitting.length} remain`);

    const { train, held } = splitRows(fitting, {
      train: data.train,
      heldOut,
      maxTokens,
      seed,
      fit,
    });
    if (data.train !== null && train.length < data.train) {
      log(
        `warning: ${train.length} pairs to train on, ${data.train} were asked for: the others that fit have a ` +
          "prompt that is held out",
      );
    }
    const records = (side: readonly FittingRow[]) => side.flatMap((row) => row.records);
    // Here, and not hours later where the method starts.
    const { method } = config.selfJudge;
    const without = refuseWithoutStrengths(methodNamed(method), records(train));
    if (without > 0) {
      log(`warning: ${without} pairs have no strength; ${method} takes their labels for certain`);
    }
    await writeJsonl(`${folder}/train.jsonl`, records(train));
    await writeJsonl(`${folder}/held_out.jsonl`, records(held));
    const pairs = judgedPairsIn(records(held));
    const longer =
      pairs.filter(({ chosen, rejected }) => characters(chosen) > characters(rejected)).length;
    log(`${train.length} pairs to train on, ${held.length} held out, no prompt on both sides`);
    const answers = demonstrationsIn(records(train)).length;
    const judged = judgedPairsIn(records(train)).length;
    log(`to learn from: ${answers} answers to imitate, ${judged} pairs to judge`);
    if (answers === 0) {
      log(
        "warning: nothing to imitate; a pair labelled by one principle, or used for judgments, teaches judging alone",
      );
    }
    if (judged === 0) {
      log("warning: nothing to judge; what is used for answers teaches answering alone");
    }
    const sum = (of: (source: typeof sources[number]) => number) =>
      sources.reduce((total, source) => total + of(source), 0);
    return {
      file: sources[0].path,
      origin: sources[0].origin,
      sources,
      pairs: sum((source) => source.pairs),
      demonstrations: sum((source) => source.demonstrations),
      bad: sum((source) => source.bad + source.refused),
      ties: sum((source) => source.ties),
      reasons: reasonsOf(badLines),
      tooLong: fit.tooLong,
      notFound: fit.notFound,
      train: train.length,
      trainAnswers: answers,
      trainJudged: judged,
      heldOut: held.length,
      heldOutChosenLonger: longer / pairs.length,
    };
  },
};

/** How many records that were skipped are named in the log. */
const SHOWN = 5;

/** A row that fits, by the prompt of its first record. */
interface FittingRow {
  readonly prompt: TrainingRecord["prompt"];
  readonly records: readonly TrainingRecord[];
}

/** Sorts out records that are too long, those that cannot be learned and those that the chat template refuses. */
function fitter(
  encoder: AnswerEncoder,
  { onBadLine, report }: Required<Pick<ReadOptions, "onBadLine" | "report">>,
) {
  const refused = new Map<number, number>();
  const exampleOf = ({ id, prompt }: TrainingRecord, answer: string, maxTokens: number) =>
    answerExample({ prompt, answer, pair: id }, { ...encoder, maxTokens });
  const fits = (record: TrainingRecord): boolean => {
    const answers = isPair(record) ? [record.chosen, record.rejected] : [record.answer];
    const unfit = answers.find((answer) => {
      const made = exampleOf(record, answer, encoder.maxTokens);
      // Where what is too long loses its start, as the authors' does, its end is learned all the same.
      return made === null || made.truncated && encoder.overflow !== "truncate-start";
    });
    if (unfit === undefined) return true;
    counts[exampleOf(record, unfit, Infinity) === null ? "notFound" : "tooLong"]++;
    return false;
  };
  const counts = {
    tooLong: 0,
    /** Records of which no answer is found in the text that the chat template writes, however long it may be. */
    notFound: 0,
    /** Rows that the chat template refuses, by source. */
    refused,
    /** The first refusal, which says what to do about it. */
    refusal: undefined as TemplateRefusal | undefined,
    /** The records of a row that fit. */
    of({ records, source, file, line, unit }: SourceRow): TrainingRecord[] {
      try {
        return records.filter(fits);
      } catch (error) {
        if (!(error instanceof TemplateRefusal)) throw error;
        const bad = {
          file,
          line,
          unit,
          reason: REFUSED,
          detail: `${error.roles.join(", ")}: ${error.reason}`,
        };
        if (onBadLine === "fail") throw badLineError(bad, { remedy: error.remedy, cause: error });
        counts.refusal ??= error;
        refused.set(source, (refused.get(source) ?? 0) + 1);
        report(bad);
        return [];
      }
    },
  };
  return counts;
}

const REFUSED = "the chat template refuses the turns";
const NOT_FOUND = "their answers are not found in the text that the chat template writes";

/**
 * Rows to train on and rows held out, no prompt on both sides, whatever the source. What is held out has a pair to
 * measure the judge on.
 */
function splitRows(
  fitting: readonly FittingRow[],
  { train, heldOut, maxTokens, seed, fit: { tooLong, notFound, refused, refusal } }: {
    train: number | null;
    heldOut: number;
    maxTokens: number;
    seed: number;
    fit: Pick<ReturnType<typeof fitter>, "tooLong" | "notFound" | "refused" | "refusal">;
  },
): { train: FittingRow[]; held: FittingRow[] } {
  const judged = fitting.filter(({ records }) => judgedPairsIn(records).length > 0);
  const wanted = (train ?? 1) + heldOut;
  if (fitting.length < wanted) {
    const not = [...refused.values()].reduce((sum, n) => sum + n, 0);
    const others = [
      ...tooLong > 0 ? [`${tooLong} are longer`] : [],
      ...notFound > 0 ? [`of ${notFound} ${NOT_FOUND}`] : [],
      ...not > 0 ? [`the chat template refuses ${not}`] : [],
    ];
    throw new UserError(
      `${fitting.length} pairs fit in ${maxTokens} tokens` +
        (others.length > 0 ? ` (${others.join(", ")})` : "") +
        `; ${train ?? "at least 1"} to train on and ${heldOut} held out were asked for`,
      refusal !== undefined && fitting.length + tooLong < wanted
        ? refusal.remedy
        : `lower data.train or data.heldOut, or ${
          tooLong > 0
            ? "raise data.maxTokens"
            : notFound > 0
            ? "set chat.text=parts and chat.turns=last"
            : "give more data"
        }`,
    );
  }
  if (judged.length < heldOut) {
    throw new UserError(
      `${judged.length} of ${fitting.length} rows have a pair to measure the judge on; ${heldOut} held out were asked for`,
      'lower data.heldOut, or add a source of pairs with the use "both" or "judgments"',
    );
  }
  // Of what fits, so that as many are held out as asked; a prompt's place depends on nothing else, so splitting the
  // whole file with this seed and number holds out none that is trained on here.
  const sides = splitByPrompt(judged, { heldOut, seed });
  const kept = new Set(sides.heldOut.map(({ prompt }) => splitKey(prompt)));
  const others = fitting.filter(({ prompt }) => !kept.has(splitKey(prompt)));
  const shuffle = (rows: FittingRow[], name: string) => Rng.named(seed, name).shuffle(rows);
  return {
    train: shuffle(others, "data/train").slice(0, train ?? undefined),
    held: shuffle(sides.heldOut, "data/held out").slice(0, heldOut),
  };
}

function reasonsOf(badLines: readonly BadLine[]): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const { reason } of badLines) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return reasons;
}
