import type { Turn } from "../text/chat.ts";
import { type Pair, promptFaults, type RecordUse, validatePair } from "./pair.ts";
import { splitKey } from "./split.ts";

/** A prompt with one answer to imitate, and no other to compare it with. */
export interface Demonstration {
  /** Name that is unique within its source, such as `ultrafeedback:12`. */
  readonly id: string;
  /** The dialogue so far, a system turn and earlier answers included; its last turn is the user's. */
  readonly prompt: readonly Turn[];
  /** The answer to learn, without role markers. */
  readonly answer: string;
  /** The data set that it is from. */
  readonly source: string;
}

/** What a model is fine-tuned on. */
export type TrainingRecord = Pair | Demonstration;

/** Whether a record compares two answers. */
export function isPair(record: TrainingRecord): record is Pair {
  return "rejected" in record;
}

/** Says why a record cannot be used; an empty list means that it can. */
export function validateRecord(record: TrainingRecord): string[] {
  const texts = record.prompt.map(({ content }) => content);
  if (isPair(record)) {
    return [...validatePair(record), ...textFaults([...texts, record.chosen, record.rejected])];
  }
  const faults = promptFaults(record.prompt);
  if (record.answer.trim() === "") faults.push("the answer is empty");
  return [...faults, ...textFaults([...texts, record.answer])];
}

/** Characters that come from a fault in writing, and that a tokenizer would turn into others. */
function textFaults(texts: readonly string[]): string[] {
  return [
    ...texts.some((text) => text.includes("\0")) ? ["a text holds a NUL character"] : [],
    ...texts.every((text) => text.isWellFormed())
      ? []
      : ["a text holds half a character (a lone surrogate)"],
  ];
}

/**
 * What a record is used for.
 *
 * A pair labelled by one principle says which answer is, say, more honest, and that answer may be the worst in all
 * else: it is judged by its principle and never imitated, unless the record itself says otherwise.
 */
export function useOf(record: TrainingRecord): RecordUse {
  if (!isPair(record)) return "answers";
  return record.use ?? (record.principle === undefined ? "both" : "judgments");
}

/** The answers to imitate: demonstrations, and the chosen answers of pairs that are used for answers. */
export function demonstrationsIn(records: readonly TrainingRecord[]): Demonstration[] {
  return records.filter((record) => useOf(record) !== "judgments").map((record) =>
    isPair(record)
      ? { id: record.id, prompt: record.prompt, answer: record.chosen, source: record.source }
      : record
  );
}

/** The pairs whose preference is learned or measured: those that are used for judgments. */
export function judgedPairsIn(records: readonly TrainingRecord[]): Pair[] {
  return records.filter(isPair).filter((pair) => useOf(pair) !== "answers");
}

/**
 * The different prompts of records, each once, in order of first appearance. Prompts that differ in their system
 * turn alone are one: as that of the answer to imitate where there is one (UltraFeedback's judge pairs have none).
 */
export function promptsIn(
  records: readonly TrainingRecord[],
): Pick<Demonstration, "id" | "prompt">[] {
  const prompts = new Map<string, TrainingRecord>();
  for (const record of records) {
    const key = splitKey(record.prompt);
    const known = prompts.get(key);
    if (known === undefined || useOf(known) === "judgments" && useOf(record) !== "judgments") {
      prompts.set(key, record);
    }
  }
  return [...prompts.values()].map(({ id, prompt }) => ({ id, prompt }));
}
