/** A judge that replies in words to MT-Bench's own prompts, such as a large model behind a server. */
import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import { combineScores, type Judgment } from "../method/mod.ts";
import { keptAnswers } from "../base/kept_answers.ts";
import {
  Fault,
  type FaultKind,
  keyOf,
  parseServedSpec,
  POSITIONS,
  REFUSED_TURNS,
  replyOf,
  ServedClient,
  ServedError,
  shown,
  UNANSWERED_KINDS,
} from "../judges/served/mod.ts";
import type { Turn } from "../text/mod.ts";
import {
  fillPrompt,
  hasVerdict,
  type JudgePrompts,
  pairPlaces,
  promptName,
  readGrade,
  readPosition,
  singlePlaces,
} from "./judge_prompts.ts";
import type { Game, Grader, GradeVerdict, MatchVerdict, Referee } from "./referee.ts";

/**
 * Replies to a dialogue in words. One that is cut before its verdict, filtered or refused is thrown as a `ServedError`
 * of that kind; the match it is of then has no verdict and is asked anew by a later run.
 */
export type Chat = (turns: readonly Turn[]) => Promise<string>;

/** Settings of {@linkcode promptReferee} and {@linkcode promptGrader}. */
export interface PromptJudgeOptions {
  readonly name: string;
  readonly chat: Chat;
  readonly prompts: JudgePrompts;
  /** As that of a `Referee`. */
  readonly key?: string;
  /** Requests under way at once, and verdicts written down together. @default 4 */
  readonly rows?: number;
  /** Failures that leave a match without a verdict; others stop. @default those that say something of one match */
  readonly givenUp?: readonly FaultKind[];
}

/**
 * A referee by MT-Bench's pairwise prompts, both positions. As in FastChat a match in which either reply
 * names nobody has no verdict; it is not a tie.
 */
export function promptReferee(
  { name, key, chat, prompts, rows = 4, givenUp }: PromptJudgeOptions,
): Referee {
  return {
    name,
    key,
    rows,
    play: (matches) =>
      Promise.all(matches.map(async ({ question, turn, first, second }): Promise<MatchVerdict> => {
        const prompt = promptName("pair", question, turn);
        const ask = async (a: readonly string[], b: readonly string[]) => {
          const turns = fillPrompt(prompts.get(prompt)!, pairPlaces(question, turn, { a, b }));
          return { asked: turns.at(-1)!.content, ...await replied(chat, turns, givenUp) };
        };
        const games = await Promise.all([ask(first, second), ask(second, first)]);
        return {
          prompt,
          games: games.map(({ asked, reply }) => ({ asked, reply })) as [Game, Game],
          judgment: judgmentOf(games.map((game) => game.failed ? null : readPosition(game.reply))),
          failed: games.some(({ failed }) => failed),
        };
      })),
  };
}

/** A reply, or what became of one that says nothing of these answers. */
async function replied(
  chat: Chat,
  turns: readonly Turn[],
  givenUp = UNANSWERED_KINDS,
): Promise<{ readonly reply: string; readonly failed: boolean }> {
  try {
    return { reply: await chat(turns), failed: false };
  } catch (error) {
    if (!(error instanceof ServedError) || !givenUp.includes(error.kind)) throw error;
    return { reply: `no reply: ${error.problem}; ${error.remedy}`, failed: true };
  }
}

function judgmentOf([forward, backward]: ReturnType<typeof readPosition>[]): Judgment {
  const positions = (named: typeof forward) => named === null ? { a: 0, b: 0 } : POSITIONS[named];
  const judgment = combineScores([{
    principle: "mt-bench",
    forward: positions(forward),
    backward: positions(backward),
  }]);
  return { ...judgment, answered: forward !== null && backward !== null };
}

/** A grader by MT-Bench's prompts for single answers: the grade is the number in the reply. */
export function promptGrader(
  { name, key, chat, prompts, rows = 4, givenUp }: PromptJudgeOptions,
): Grader {
  return {
    name,
    key,
    rows,
    grade: (requests) =>
      Promise.all(requests.map(async ({ question, turn, answers }): Promise<GradeVerdict> => {
        const prompt = promptName("single", question, turn);
        const turns = fillPrompt(prompts.get(prompt)!, singlePlaces(question, turn, answers));
        const { reply, failed } = await replied(chat, turns, givenUp);
        const game = { asked: turns.at(-1)!.content, reply };
        return {
          score: failed ? null : readGrade(reply),
          labelProbability: null,
          prompt,
          game,
          failed,
        };
      })),
  };
}

/**
 * A chat that keeps every reply as it arrives, and does not ask again for what it has: a killed run has paid for
 * no reply twice, whatever verdicts it had not put together yet.
 *
 * @param options.key What a reply depends on beside the dialogue, such as the server and the model.
 * @param options.path JSONL file of the replies.
 * @throws {UserError} When a whole line of the file is not a reply, naming file and line.
 */
export function keptChat(
  chat: Chat,
  { key, path }: { readonly key: string; readonly path: string },
): Chat {
  const replies = keptAnswers<string>({
    path,
    write: (reply) => ({ reply }),
    read: ({ reply }) => typeof reply === "string" ? reply : undefined,
    what: "a stored reply",
  });
  return async (turns) => {
    const name = createHash("sha256").update(JSON.stringify([key, turns])).digest("base64url");
    const before = replies.get(name);
    if (before !== undefined) return before;
    const reply = await chat(turns);
    replies.add([[name, reply]]);
    return reply;
  };
}

/** MT-Bench's system turn before the user's words, for a model whose chat template takes none. */
function folded([system, user, ...rest]: readonly Turn[]): Turn[] {
  if (system.role !== "system") return [system, user, ...rest];
  return [{ role: "user", content: `${system.content}\n\n${user.content}` }, ...rest];
}

/** FastChat lets its judges reply with up to 2048 tokens, at temperature 0 (`run_judge_pair`); a spec may allow more. */
const REPLY_TOKENS = 2048;

/**
 * A chat with a model on an OpenAI-compatible server, `URL,model=NAME[,keyVariable=NAME...]`. A server that takes no
 * system turn gets its words at the start of the user's.
 *
 * @param more.replies File that keeps its replies, see {@linkcode keptChat}. @default none
 * @throws {UserError} When the spec is wrong, the key's variable is not set, or the file holds something else.
 */
export async function openChat(
  spec: string,
  { replies, ...more }:
    & Pick<ConstructorParameters<typeof ServedClient>[0], "fetch" | "sleep" | "seed">
    & { readonly replies?: string } = {},
): Promise<Required<Omit<PromptJudgeOptions, "prompts">>> {
  const served = await parseServedSpec(spec);
  if (served.api === "completions") {
    throw new UserError(
      'MT-Bench\'s prompts need a chat, and the judge is asked over "completions"',
      "leave api out, or judge by tokens with served:SPEC",
    );
  }
  const client = new ServedClient({ ...more, ...served, key: keyOf(served) });
  const send: Chat = (messages) => {
    const max_tokens = Math.max(REPLY_TOKENS, served.maxReplyTokens);
    const fields = { model: served.model, messages, temperature: 0, max_tokens };
    const body = Object.entries({ ...fields, ...served.body }).filter(([, value]) =>
      value !== null
    );
    return client.ask("chat/completions", Object.fromEntries(body), (answer) => {
      const { text, cut } = replyOf(answer);
      if (cut && !hasVerdict(text)) {
        throw new Fault("cut", `the reply was cut before a verdict (${shown(text.slice(-60))})`, {
          remedy: "raise maxReplyTokens, here above 2048; models that reason need thousands",
        });
      }
      return text;
    });
  };
  let folds = false;
  const chat: Chat = async (turns) => {
    if (folds) return await send(folded(turns));
    try {
      return await send(turns);
    } catch (error) {
      const refused = error instanceof ServedError && error.kind === "setup" &&
        REFUSED_TURNS.test(error.problem) && turns[0].role === "system";
      if (!refused) throw error;
      folds = true;
      return await send(folded(turns));
    }
  };
  const { url, model, revision, body, concurrency, onFailure, maxReplyTokens } = served;
  const longer = maxReplyTokens > REPLY_TOKENS ? [maxReplyTokens] : [];
  const key = JSON.stringify([url, model, revision, body, ...longer]);
  return {
    name: `mt-bench:${model}`,
    key,
    chat: replies === undefined ? chat : keptChat(chat, { key, path: replies }),
    rows: concurrency,
    givenUp: onFailure === "unanswered" ? [...UNANSWERED_KINDS, "refused"] : UNANSWERED_KINDS,
  };
}
