import { UserError } from "../base/error.ts";
import { exists, readJsonFile, readJsonl, writeJsonFile, writeJsonl } from "../base/files.ts";
import { type Example, learnedTokens } from "../method/mod.ts";
import type { FormedPair, RankedPair } from "../method/mod.ts";

/** A row of a round for supervised training: the trainer's names. */
export interface SupervisedRow {
  readonly step: number;
  readonly input_ids: readonly number[];
  /** -100 where nothing is learned. */
  readonly labels: readonly number[];
}

/** A row of a round for preference training. */
export interface PreferenceRow {
  readonly step: number;
  readonly pair: string;
  readonly prompt_ids: readonly number[];
  readonly chosen_ids: readonly number[];
  readonly rejected_ids: readonly number[];
  /** The probability that the chosen answer is the better one; 1 for a hard label. */
  readonly label: number;
  /** Summed log-probabilities of both answers at the server that sampled them; null where none did. */
  readonly sampled_logps: readonly [number, number] | null;
  /** J(chosen, rejected). */
  readonly preference: number | null;
  /** The round whose adapter sampled it; 0: the model that training started from. */
  readonly version: number;
  /** Steps that the policy has taken since. */
  readonly age: number;
}

/** What was made for one step, for the run's logs. */
export interface StepRecord {
  readonly step: number;
  readonly numbers: Readonly<Record<string, number>>;
  readonly pairs: readonly RankedPair[];
}

/** An example as the trainer reads it. */
export function supervisedRow(step: number, example: Example): SupervisedRow {
  const { ids, from, skipped = [] } = example;
  const learned = (i: number) => i >= from && skipped.every(([a, b]) => i < a || i >= b);
  return { step, input_ids: ids, labels: ids.map((id, i) => learned(i) ? id : -100) };
}

/**
 * A pair as the trainer reads it.
 *
 * @throws {UserError} where the two answers do not follow the same tokens, which its format cannot say
 */
export function preferenceRow(
  { prompt, chosen: { example: chosen }, rejected: { example: rejected }, label = 1, verdict }:
    FormedPair,
  more: Pick<PreferenceRow, "step" | "sampled_logps" | "version" | "age">,
): PreferenceRow {
  const before = chosen.ids.slice(0, chosen.from);
  const same = rejected.from === chosen.from && before.every((id, i) => rejected.ids[i] === id);
  const whole = [chosen, rejected].every((one) => learnedTokens(one) === one.ids.length - one.from);
  if (!same || !whole) {
    throw new UserError(
      `pair ${prompt.id}: its two answers do not follow the same tokens, which the trainer's rows cannot say`,
      "encode prompts and answers apart: --set chat.text=parts",
    );
  }
  return {
    step: more.step,
    pair: prompt.id,
    prompt_ids: before,
    chosen_ids: chosen.ids.slice(chosen.from),
    rejected_ids: rejected.ids.slice(rejected.from),
    label,
    sampled_logps: more.sampled_logps,
    preference: verdict?.preference ?? null,
    version: more.version,
    age: more.age,
  };
}

/** The rounds of a stage that is trained elsewhere: what is handed over, and what comes back. */
export class Rounds {
  constructor(readonly folder: string) {}

  /** Folder of a round, counted from 1. */
  of(round: number): string {
    return `${this.folder}/rounds/${String(round).padStart(6, "0")}`;
  }

  /** Where the trainer leaves the adapter after a round. */
  adapter(round: number): string {
    return `${this.of(round)}/adapter`;
  }

  /** The last round whose adapter is there: it and those before it are trained. 0: none. */
  async newest(): Promise<number> {
    if (!await exists(`${this.folder}/rounds`)) return 0;
    const rounds = (await Array.fromAsync(Deno.readDir(`${this.folder}/rounds`)))
      .map(({ name }) => Number(name)).filter(Number.isInteger).sort((a, b) => b - a);
    for (const round of rounds) if (await exists(this.adapter(round))) return round;
    return 0;
  }

  /** What was made for a round that was handed over; null for one that was not. */
  async made(round: number): Promise<StepRecord[] | null> {
    if (!await exists(`${this.of(round)}/batch.jsonl`)) return null;
    return await readJsonFile<StepRecord[]>(`${this.of(round)}/made.json`);
  }

  /** Hands a round to the trainer: what the logs need first, then the batch, whole or not at all. */
  async handOver(
    round: number,
    rows: readonly (SupervisedRow | PreferenceRow)[],
    made: readonly StepRecord[],
  ): Promise<void> {
    await writeJsonFile(`${this.of(round)}/made.json`, made);
    await writeJsonl(`${this.of(round)}/batch.jsonl`, rows);
  }

  /**
   * How far the server that sampled a round's answers and the trainer are apart: the mean of |difference of summed
   * log-probabilities| over the answer's tokens. Null before the trainer said, where nothing was sampled, and where an
   * older policy than the one that the trainer had sampled it.
   */
  async drift(round: number): Promise<number | null> {
    const found = await readJsonFile<[number, number][]>(`${this.of(round)}/logps.json`);
    if (found === null) return null;
    const rows = await readJsonl<PreferenceRow>(`${this.of(round)}/batch.jsonl`);
    if (rows.some(({ step, version }) => step === rows[0].step && version !== round - 1)) {
      return null;
    }
    const sampled = rows.filter(({ step, sampled_logps }) =>
      step === rows[0].step && sampled_logps !== null
    );
    const parts = found.flatMap(([chosen, rejected], i) => {
      const { sampled_logps, chosen_ids, rejected_ids } = sampled[i];
      return [
        Math.abs(sampled_logps![0] - chosen) / chosen_ids.length,
        Math.abs(sampled_logps![1] - rejected) / rejected_ids.length,
      ];
    });
    return parts.length === 0 ? null : parts.reduce((a, b) => a + b) / parts.length;
  }
}

/** A line of the trainer's log, by its names. */
export interface TrainerRow {
  readonly step: number;
  readonly loss: number;
  readonly grad_norm?: number;
  readonly learning_rate?: number;
  readonly seconds?: number;
  readonly [name: string]: number | undefined;
}

/** The trainer's log by step: of a step that was taken twice, the last line. */
export async function trainerRows(folder: string): Promise<Map<number, TrainerRow>> {
  const rows = await readJsonl<TrainerRow>(`${folder}/trainer.jsonl`);
  return new Map(rows.map((row) => [row.step, row]));
}
