import pLimit from "p-limit";
import { createHash } from "node:crypto";
import { ChatTemplate } from "../../text/chat.ts";
import { chatTemplateFrom, chatTemplateSource } from "../../text/chat_file.ts";
import { type JudgmentCache, judgmentCache } from "../../run/judgment_cache.ts";
import { PairwiseJudge } from "../../method/judge.ts";
import {
  combineScores,
  type Compare,
  type Comparison,
  type Judgment,
} from "../../method/judgment.ts";
import { fingerprintOf, type JudgeSetting, type OpenedJudge } from "../opened_judge.ts";
import { loadPrinciples, type Principle, principlesNamed } from "../../method/principle.ts";
import { type ClientOptions, ServedClient } from "./client.ts";
import { ServedError } from "./fault.ts";
import { type FaultKind, OUTAGE_KINDS, UNANSWERED_KINDS } from "./fault_kind.ts";
import { ServedScorer } from "./scorer.ts";
import { keyOf, parseServedSpec, type ServedSpec } from "./spec.ts";
import { wire } from "./wire.ts";
import { servedWording, type WordingOptions } from "./wording.ts";

/** Settings of {@linkcode openServedJudge} that are not the server's. */
export interface ServedJudgeOptions
  extends
    Pick<WordingOptions, "layout" | "system" | "overflow">,
    Pick<ClientOptions, "fetch" | "sleep" | "now" | "backoffMs" | "seed"> {
  readonly principles: readonly Principle[];
  /** JSONL file where replies are kept. @default in memory */
  readonly cacheFile?: string;
  /** Longest prompt in tokens, for a spec with a tokenizer. @default no limit */
  readonly maxTokens?: number;
  readonly leastLabelProbability?: number;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Reads the environment. @default Deno.env.get */
  readonly env?: (name: string) => string | undefined;
}

/** A judge on a server, ready to compare. */
export interface ServedJudge {
  readonly compare: Compare;
  /** Its templates, cache and counts. */
  readonly pairwise: PairwiseJudge;
  readonly client: ServedClient;
  readonly cache: JudgmentCache;
  readonly scorer: ServedScorer;
  /** Names what answers, and how it is asked. */
  readonly fingerprint: string;
  /** Comparisons that could not be judged and count as unanswered, by kind of failure. */
  readonly failed: Readonly<Partial<Record<FaultKind, number>>>;
  /** The first failure of each kind among them, in words. */
  readonly firstFailures: Readonly<Partial<Record<FaultKind, string>>>;
}

/** Comparisons given up one after another from which on it is an outage. */
const OUTAGE = 5;

/**
 * Opens a judge on an OpenAI-compatible server: a `PairwiseJudge` whose scorer asks over HTTP, so that
 * positions, principles, votes and the cache are those of every other judge.
 *
 * An answer is in the cache's file as soon as it is there: a killed run resumes from it. The cache's
 * keys hold the address, the model and its revision, how it is asked, the template, the order and the text.
 *
 * @throws {UserError} When the key's variable is not set, or tokenizer or chat template cannot be read.
 * `compare` throws {@linkcode ServedError} when the server cannot be used, and with `onFailure` "stop" at
 * the first comparison that cannot be judged.
 *
 * @example
 * ```ts ignore
 * import { openServedJudge, servedSpec } from "./mod.ts";
 * import { principlesNamed } from "../../method/principle.ts";
 * const spec = servedSpec({ url: "http://127.0.0.1:8000/v1", model: "smollm2", api: "chat" });
 * const principles = principlesNamed(["overall"]);
 * const { compare } = await openServedJudge(spec, { principles, cacheFile: "runs/judged.jsonl" });
 * ```
 */
export async function openServedJudge(
  spec: Readonly<ServedSpec>,
  options: ServedJudgeOptions,
): Promise<ServedJudge> {
  const { api } = spec;
  const own = spec.tokenizer === null ? null : await tokenizerAt(spec.tokenizer);
  const { templates, promptOf } = servedWording({
    ...options,
    api,
    ...(own
      ? {
        tokenizer: own,
        chat: await chatTemplateFrom(spec.chatTemplate, own),
        maxLength: options.maxTokens,
      }
      : { chat: await chatOf(spec), maxLength: spec.maxCharacters }),
  });
  const top = spec.top ?? (api === "completions" ? 5 : 20);
  const match = spec.match ?? (api === "completions" ? "exact" : "trimmed");
  const asked = { ...spec, top, match };
  const client = new ServedClient({ ...options, ...spec, key: keyOf(spec, options.env) });
  const named = fingerprint(client.url, asked);
  const cache = judgmentCache({
    fingerprint: named,
    path: options.cacheFile,
    // What names neither label was read badly, or was no answer: a later run asks again.
    keeps: ({ a, b }) => a + b > 0,
  });
  const scorer = new ServedScorer({ client, wire: wire(asked), promptOf, cache });
  const { leastLabelProbability, onProgress } = options;
  const pairwise = new PairwiseJudge({
    scorer,
    templates,
    cache,
    leastLabelProbability,
    batchTokens: Infinity,
  });
  const failures = { failed: {}, firstFailures: {} };
  const compare = (comparisons: readonly Comparison[]) =>
    compareEach(comparisons, { pairwise, spec, ...failures, leastLabelProbability, onProgress });
  return { compare, pairwise, client, cache, scorer, fingerprint: named, ...failures };
}

/** Compares one by one, several at a time, so that one failure does not take others with it. */
async function compareEach(
  comparisons: readonly Comparison[],
  { pairwise, spec, failed, firstFailures, leastLabelProbability, onProgress }:
    & Pick<ServedJudge, "pairwise">
    & Pick<ServedJudgeOptions, "leastLabelProbability" | "onProgress">
    & { spec: ServedSpec; failed: Partial<Record<FaultKind, number>> }
    & { firstFailures: Partial<Record<FaultKind, string>> },
): Promise<Judgment[]> {
  const limit = pLimit(spec.concurrency);
  let stop: { readonly error: unknown } | undefined;
  let [done, inARow] = [0, 0];
  const { counts } = pairwise;
  /** What is wrong with one comparison leaves it unanswered; what is wrong with all of them stops. */
  const stops = (kind: FaultKind) => {
    if (kind === "withheld") return false;
    const goesOn = spec.onFailure === "unanswered" || UNANSWERED_KINDS.includes(kind);
    if (!goesOn || kind === "setup" || kind === "busy") return true;
    // A server that has answered and does not answer this says nothing of the next one, but by being down.
    const ofAll = OUTAGE_KINDS.includes(kind) || counts.judged === counts.unanswered;
    return ofAll && ++inARow >= OUTAGE;
  };
  const judged = await Promise.all(
    comparisons.map((comparison) =>
      limit(async (): Promise<Judgment | undefined> => {
        if (stop) return;
        try {
          const [judgment] = await pairwise.compare([comparison]);
          inARow = 0;
          onProgress?.({ done: ++done, total: comparisons.length });
          return ofBothPositions(judgment, { pairwise, leastLabelProbability });
        } catch (error) {
          if (!(error instanceof ServedError) || stops(error.kind)) {
            stop ??= { error };
            return;
          }
          failed[error.kind] = (failed[error.kind] ?? 0) + 1;
          firstFailures[error.kind] ??= `${error.problem}; ${error.remedy}`;
          onProgress?.({ done: ++done, total: comparisons.length });
          counts.judged++;
          counts.unanswered++;
          return unanswered(pairwise.templates.map(({ principle }) => principle.name));
        }
      })
    ),
  );
  if (stop) throw stop.error;
  return judged as Judgment[];
}

/**
 * Counts only the principles that were answered in both positions: of one that was not, the other position would be a
 * certain verdict that may be nothing but a preference for where an answer stands.
 */
function ofBothPositions(
  judgment: Judgment,
  { pairwise: { counts }, leastLabelProbability }:
    & Pick<ServedJudge, "pairwise">
    & Pick<ServedJudgeOptions, "leastLabelProbability">,
): Judgment {
  const read = judgment.votes.filter(({ forward, backward }) =>
    [forward, backward].every(({ a, b }) => a + b > 0)
  );
  if (read.length === judgment.votes.length) return judgment;
  const counted = read.length > 0
    ? combineScores(read, { leastLabelProbability })
    : unanswered(judgment.votes.map(({ principle }) => principle));
  counts.unanswered += Number(judgment.answered) - Number(counted.answered);
  return counted;
}

function unanswered(principles: readonly string[]): Judgment {
  const none = { a: 0, b: 0 };
  return combineScores(
    principles.map((principle) => ({ principle, forward: none, backward: none })),
  );
}

/** Names what answers and how it is asked; the cache's keys add template, order and text. */
function fingerprint(url: string, asked: ServedSpec): string {
  const { model, revision, api, top, match, maxReplyTokens, body } = asked;
  const how = api === "text" ? { maxReplyTokens } : { top, match };
  // The tokenizer gives ids another meaning; a path is enough, since the ids themselves are in the key.
  const parts = { url, model, revision, api, ...how, body, tokenizer: asked.tokenizer };
  return "served/" + createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Loaded only here: tokenizers are native code, which judging over HTTP alone needs no permission for. */
async function tokenizerAt(path: string) {
  const { openTokenizer } = await import("../../text/open_tokenizer.ts");
  return await openTokenizer(path);
}

async function chatOf({ chatTemplate }: ServedSpec): Promise<ChatTemplate | undefined> {
  if (chatTemplate === null) return undefined;
  // The server puts its start token before a text; its other tokens are known from the tokenizer alone.
  return new ChatTemplate(await chatTemplateSource(chatTemplate), { bosToken: "" });
}

/** `served:SPEC` of a command line; what SPEC may be, {@linkcode parseServedSpec} says. */
export async function openServed(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const spec = await parseServedSpec(rest);
  const { principles: names, principlesFile, system, overflow, maxTokens } = setting.config.judge;
  const wording = principlesFile ? await loadPrinciples(principlesFile) : undefined;
  const served = await openServedJudge(spec, {
    principles: principlesNamed(names, wording?.principles),
    layout: wording?.layout,
    overflow,
    maxTokens,
    seed: setting.seed,
    cacheFile: setting.cacheFile,
    onProgress: ({ done, total }) => setting.onProgress?.(done, total),
    ...(system !== null && { system }),
  });
  return {
    judge: {
      name: `served:${spec.model}`,
      compare: served.compare,
      promptsFor: served.pairwise.promptsFor,
    },
    fingerprint: fingerprintOf(served.fingerprint, setting.config.judge, spec.chatTemplate),
    notes: () => servedNotes(spec, served),
  };
}

/** What to know when reading a served judge's numbers. */
function servedNotes(spec: ServedSpec, served: ServedJudge): string[] {
  const { client: { url, counts }, cache, scorer, failed, pairwise } = served;
  const list = (kinds: Partial<Record<FaultKind, number>>) =>
    Object.entries(kinds).map(([kind, n]) => `${n} ${kind}`).join(", ") || "none";
  const notes = [
    `${spec.model} at ${url} over "${spec.api}": ${counts.answers} answers to ${counts.requests} ` +
    `requests, ${cache.counts.hits} answers from the cache; failed attempts: ${
      list(counts.faults)
    }`,
  ];
  if (Object.keys(failed).length > 0) {
    notes.push(
      `comparisons given up, counted as unanswered and asked anew by the same command: ${
        list(failed)
      }`,
    );
    for (const [kind, first] of Object.entries(served.firstFailures)) {
      notes.push(`first ${kind}: ${first}`);
    }
  }
  if (scorer.unread.answers > 0) {
    notes.push(
      `${scorer.unread.answers} answers named neither label; the first: ${scorer.unread.first}`,
    );
  }
  if (scorer.counts.unseen > 0) {
    notes.push(
      `${scorer.counts.unseen} answers did not list both labels; the missing one counts as 0 and was at ` +
        `most ${scorer.counts.mostUnseen.toPrecision(2)}`,
    );
  }
  const cut = pairwise.templates.reduce((sum, { counts }) => sum + counts.truncated, 0);
  if (cut > 0) notes.push(`${cut} prompts were cut to the longest length allowed`);
  return notes;
}
