import type { Turn } from "../text/chat.ts";

/** What a record is used for: its answer is imitated, its preference is learned as judgments, or both. */
export type RecordUse = "both" | "answers" | "judgments";

/** The uses there are, for checks of settings. */
export const RECORD_USES = ["both", "answers", "judgments"] as const satisfies RecordUse[];

/**
 * One human (or machine) preference: two answers to one prompt, the better one named.
 *
 * Every reader of this room yields this type, and nothing later depends on where a pair came from.
 */
export interface Pair {
  /** Name that is unique within its source, such as `harmless-base-test:12`. */
  readonly id: string;
  /** The dialogue so far; its last turn is the user's. */
  readonly prompt: readonly Turn[];
  /** The better answer, without role markers. */
  readonly chosen: string;
  /** The worse answer. */
  readonly rejected: string;
  /** The data set that the pair is from. */
  readonly source: string;
  /** How clear the preference is, 0 (none) to 1 (certain), where the source says. */
  readonly strength?: number;
  /** The principle it was labelled by, where the source has several. */
  readonly principle?: string;
  /** What the labeller wrote about each answer, for the rationale variant. */
  readonly rationale?: { readonly chosen: string; readonly rejected: string };
  /**
   * What it is used for, see {@linkcode useOf}.
   * @default "judgments" for a pair labelled by one principle, else "both"
   */
  readonly use?: RecordUse;
}

/**
 * Says why a pair cannot be trained on or judged; an empty list means that it can.
 *
 * Blanks at the ends do not count: two answers that differ only there are equal.
 *
 * @example
 * ```ts
 * import { validatePair } from "./pair.ts";
 * const prompt = [{ role: "user", content: "Hi" }] as const;
 * validatePair({ id: "1", prompt, chosen: "Hello!", rejected: "", source: "demo" });
 * // ["the rejected response is empty"]
 * ```
 */
export function validatePair(pair: Pair): string[] {
  const reasons = promptFaults(pair.prompt);
  const chosen = pair.chosen.trim();
  const rejected = pair.rejected.trim();
  if (chosen === "") reasons.push("the chosen response is empty");
  if (rejected === "") reasons.push("the rejected response is empty");
  if (chosen !== "" && chosen === rejected) reasons.push("chosen and rejected are equal");
  return reasons;
}

/** Says why nothing can be answered to a prompt; an empty list means that it can. */
export function promptFaults(prompt: readonly Turn[]): string[] {
  const last = prompt.at(-1);
  if (last !== undefined && last.role !== "user") {
    return ["the last turn of the prompt is not from the user"];
  }
  return last === undefined || last.content.trim() === "" ? ["the prompt is empty"] : [];
}

/** What two dialogues have in common, and how each continues; or why that is not a pair. */
export type SplitDialogues =
  | { readonly prompt: readonly Turn[]; readonly chosen: string; readonly rejected: string }
  | { readonly reason: string; readonly detail?: string };

/**
 * Turns two whole dialogues into prompt and responses: the turns they share are the prompt, the one
 * assistant turn in which each then differs is its response.
 *
 * Dialogues that part earlier are refused: their last answers reply to different prompts, so to
 * call one the better answer to either prompt would be an invention.
 */
export function splitDialogues(
  chosen: readonly Turn[],
  rejected: readonly Turn[],
): SplitDialogues {
  let shared = 0;
  while (shared < chosen.length && shared < rejected.length) {
    const [a, b] = [chosen[shared], rejected[shared]];
    if (a.role !== b.role || a.content !== b.content) break;
    shared++;
  }
  if (shared === chosen.length && shared === rejected.length) {
    return { reason: "chosen and rejected are equal" };
  }
  for (const [name, turns] of [["chosen", chosen], ["rejected", rejected]] as const) {
    if (turns.at(-1)?.role !== "assistant") {
      return { reason: `the ${name} dialogue does not end with an assistant turn` };
    }
  }
  if (shared === chosen.length || shared === rejected.length) {
    return { reason: "one dialogue is the beginning of the other" };
  }
  if (shared < chosen.length - 1 || shared < rejected.length - 1) {
    return {
      reason: "the dialogues part before their last turn",
      detail: `after turn ${shared} of ${chosen.length} (chosen) and ${rejected.length} (rejected)`,
    };
  }
  return {
    prompt: chosen.slice(0, shared),
    chosen: chosen[shared].content,
    rejected: rejected[shared].content,
  };
}
