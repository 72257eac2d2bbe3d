/** Why a server does not accept a request, by what it says: whether another one would be, and what to change. */
import type { FaultKind } from "./fault_kind.ts";

/** What a refusal comes to. */
export interface Refusal {
  readonly kind: FaultKind;
  readonly remedy: string;
}

type Rule = readonly [
  words: RegExp,
  make: (message: string, request: Readonly<Record<string, unknown>>) => Refusal,
];

/** What a chat template says that takes no system turn. */
export const REFUSED_TURNS =
  /system (?:role|message|prompt|turn|instruction)|developer instruction|roles must alternate|role.{0,20}system/i;

/** What to do about it. */
export const WITHOUT_SYSTEM = "leave the judge's system turn out: --set judge.system=null";

const setup = (remedy: string): Refusal => ({ kind: "setup", remedy });

/** How fields of the request are changed. */
const inBody = (fields: string) => `give the judge as a .json file with "body": ${fields}`;

const RULES: readonly Rule[] = [
  [
    /content.?(?:filter|policy|management)|responsible.?ai|safety (?:system|filter)|flagged|moderation/i,
    () => ({
      kind: "withheld",
      remedy: "the server does not judge this text; another server may",
    }),
  ],
  [
    /context|too (?:long|large|many tokens)|maximum.{0,40}tokens|max_model_len|prompt.{0,20}length|exceeds?.{0,40}tokens/i,
    () => ({
      kind: "refused",
      remedy: 'shorten the pair or lower maxCharacters, or set onFailure to "unanswered"',
    }),
  ],
  [
    /max_tokens.{0,80}max_completion_tokens|unsupported parameter.{0,6}max_tokens/is,
    (_, { max_tokens }) =>
      setup(inBody(`{"max_tokens": null, "max_completion_tokens": ${max_tokens ?? 16}}`)),
  ],
  [/temperature/i, () => setup(inBody('{"temperature": null}'))],
  [/log_?probs|top_n_tokens|top_logprobs/i, (message, request) => setup(listed(message, request))],
  [REFUSED_TURNS, () => setup(WITHOUT_SYSTEM)],
  [
    /model.{0,80}(?:not exist|not found|unknown|invalid)|(?:no such|unknown|invalid) model/i,
    () => setup("check the model's name on the server"),
  ],
];

/** What helps a request refused with these words; null where the words say nothing that we know. */
export function refusalOf(message: string, request: unknown): Refusal | null {
  const fields = typeof request === "object" && request !== null ? request : {};
  const rule = RULES.find(([words]) => words.test(message));
  return rule === undefined ? null : rule[1](message, fields as Record<string, unknown>);
}

/** That a server does not list any, rather than not so many. */
const NONE =
  /not (?:supported|support|allowed|available|implemented|permitted|enabled)|unsupported|unrecognized|unknown|extra (?:inputs|fields)/i;

/** That there is a most. */
const LIMIT = /less than|<=|≤|at most|max|up to|no more than|exceed|between|range/i;

/** How many tokens to have listed instead: the largest number below ours that the server names, "3.1" being none. */
function listed(message: string, request: Readonly<Record<string, unknown>>): string {
  const none =
    'take api=text, which needs no log-probabilities, or another server; lower "top" may do too';
  if (NONE.test(message) && !LIMIT.test(message)) return none;
  const ours = Number(request.top_logprobs ?? request.logprobs);
  const named = [...message.matchAll(/(?<![\w.:/-])\d+(?![\w/-]|[.:]\d)/g)].map(Number)
    .filter((number) => number >= 1 && number < ours);
  if (named.length === 0) return none;
  const most = Math.max(...named);
  return most >= 2
    ? `set top=${most}, the most that this server lists`
    : "one listed token cannot show both labels: take api=text, which needs none";
}
