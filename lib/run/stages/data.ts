import { answerExample } from "../../method/mod.ts";
import { characters } from "../../base/characters.ts";
import { UserError } from "../../base/error.ts";
import {
  type BadLine,
  judgedPairsIn,
  type Pair,
  type PairFormat,
  readPairs,
  splitByPrompt,
  type TrainingRecord,
} from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { readJsonl, writeJsonl } from "../../base/files.ts";
import { locateData } from "../source.ts";
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

/** Reads preferences, keeps those that fit, and splits them by prompt. */
export const dataStage: RunStage = {
  name: "data",
  title: "read the preferences, keep what fits, hold out prompts",
  needs: [],
  config: ({ seed, model, frozenDtype, data }) => ({ seed, model, frozenDtype, data }),

  async run({ config, folder, session, log }) {
    const { sources: [{ source, format }], onBadLine, heldOut, maxTokens } = config.data;
    const { path, origin } = await locateData(source, { log });
    const encoder = await session.encoder();

    const badLines: BadLine[] = [];
    const stream = readPairs(path, {
      ...(format && { format: format as PairFormat }),
      onBadLine,
      report: (bad) => badLines.push(bad),
    });
    const fitting: Pair[] = [];
    let tooLong = 0;
    for await (const pair of stream) {
      const fits = [pair.chosen, pair.rejected].every((answer) => {
        const made = answerExample({ prompt: pair.prompt, answer, pair: pair.id }, encoder);
        return made !== null && !made.truncated;
      });
      if (fits) fitting.push(pair);
      else tooLong++;
    }
    const { counts } = stream;
    await writeJsonl(`${folder}/bad_lines.jsonl`, badLines);
    log(
      `${
        origin === "local" ? path : origin
      }: ${counts.pairs} pairs, ${counts.bad} bad, ${counts.ties} ties`,
    );
    for (const [reason, n] of Object.entries(counts.reasons)) log(`  skipped ${n}: ${reason}`);
    log(`${tooLong} pairs longer than ${maxTokens} tokens left out, ${fitting.length} remain`);

    const train = config.data.train ?? Math.max(1, fitting.length - heldOut);
    if (fitting.length < train + heldOut) {
      throw new UserError(
        `${fitting.length} pairs fit in ${maxTokens} tokens; ${train} to train on and ${heldOut} held out were asked for`,
        "lower data.train or data.heldOut, or raise data.maxTokens",
      );
    }
    // Of what fits, so that as many are held out as asked; a prompt's place depends on nothing else, so splitting the
    // whole file with this seed and number holds out none that is trained on here.
    const sides = splitByPrompt(fitting, { heldOut, seed: config.seed });
    const shuffle = (pairs: Pair[], name: string) => Rng.named(config.seed, name).shuffle(pairs);
    const chosen = shuffle(sides.train, "data/train").slice(0, train);
    const held = shuffle(sides.heldOut, "data/held out").slice(0, heldOut);
    await writeJsonl(`${folder}/train.jsonl`, chosen);
    await writeJsonl(`${folder}/held_out.jsonl`, held);
    const longer =
      held.filter(({ chosen, rejected }) => characters(chosen) > characters(rejected)).length;
    log(`${chosen.length} pairs to train on, ${held.length} held out, no prompt on both sides`);
    return {
      file: path,
      origin,
      ...counts,
      tooLong,
      train: chosen.length,
      heldOut: held.length,
      heldOutChosenLonger: longer / held.length,
    };
  },
};
