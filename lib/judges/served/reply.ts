/** The first choice of an answer, in whatever of the known forms it is written. */
import { errorIn, faultOfError, isRecord } from "./body_fault.ts";
import { Fault } from "./fault.ts";
import { afterThoughts } from "./thoughts.ts";

/** What a server answered, before any verdict is read. */
export interface Reply {
  /** The words of the reply, without parts marked as thoughts; thoughts within the text are left in it. */
  readonly text: string;
  /** Whether it ended at its longest, or before its thoughts did. */
  readonly cut: boolean;
  /** What the server lists of the first token, as it stands. */
  readonly logprobs: unknown;
}

/** Reasons to end that are a failure of whoever made the reply, not the reply's end. */
const FAILED = /error|abort|cancel|timeout|network|fail|unknown_?finish|malformed/i;
/** Reasons of a filter. */
const FILTERED =
  /content_?filter|safety|recitation|prohibited|blocklist|sensitive|spii|refusal|guardrail/i;
/**
 * Texts that servers and tools write in the place of a reply: FastChat's `$ERROR$` and what its workers say under load,
 * "[ERROR] ...", "[NAME] Upstream returned an empty response", "Error: ...", "Internal Server Error".
 */
const FAILED_TEXT =
  /^\s*(?:\$ERROR\$|\**NETWORK ERROR DUE TO HIGH TRAFFIC|\[ERROR\]|(?:\[[\w .-]+\]\s*)?(?:upstream (?:error|returned|request)|error(?: code)?:|api error|internal server error|service unavailable|bad gateway|gateway time-?out|too many requests|rate limit))/i;
const LONGEST = /^(?:length|max_tokens|max_output_tokens|model_length|max_length)$/i;

/**
 * Reads an answer's first choice.
 *
 * @throws {Fault} Where it is a failure: of the server or its upstream, by a filter, or by the model's refusal; or has
 * another form, which the message then shows.
 */
export function replyOf(answer: unknown): Reply {
  const choice = choiceOf(answer);
  const reasons = [choice.finish_reason, choice.native_finish_reason]
    .filter((reason) => typeof reason === "string");
  const message = isRecord(choice.message) ? choice.message : {};
  const written = textOf(message.content) ?? textOf(choice.text);
  if (choice.error) {
    throw faultOfError(errorIn(choice, shown(choice)));
  }
  const text = written ?? "";
  const failure = reasons.find((reason) => FAILED.test(reason));
  if (failure !== undefined && (text.trim() === "" || FAILED.test(reasons[0]))) {
    throw new Fault("server", `the server ended its reply for "${failure}"`);
  }
  const { logprobs } = choice;
  const listed = isRecord(logprobs);
  if (FAILED_TEXT.test(text)) {
    throw new Fault("server", `the reply is an error in words (${shown(text)})`);
  }
  const filter = reasons.find((reason) => FILTERED.test(reason));
  if (filter !== undefined && !listed) throw withheld(`the reply was ended by "${filter}"`);
  if (typeof message.refusal === "string" && message.refusal !== "") {
    throw withheld(`the model refused ("${message.refusal}")`);
  }
  const longest = reasons.some((reason) => LONGEST.test(reason));
  const cut = longest || afterThoughts(text) === null;
  if (text.trim() === "" && !listed) {
    const thoughts = [message.reasoning_content, message.reasoning, message.thinking]
      .some((value) => typeof value === "string" && value !== "") || Array.isArray(message.content);
    if (cut || thoughts) throw new Fault("cut", "the reply has thoughts and no verdict after them");
    throw new Fault("empty", `the reply is empty (${shown(choice)})`);
  }
  return { text, cut, logprobs };
}

function choiceOf(answer: unknown): Record<string, unknown> {
  const body = isRecord(answer) ? answer : {};
  const [choice] = Array.isArray(body.choices) ? body.choices : [];
  if (isRecord(choice)) return choice;
  const filtered = isRecord(body.promptFeedback) || isRecord(body.prompt_feedback);
  if (filtered) throw withheld(`a filter held the question back (${shown(answer)})`);
  throw new Fault("garbled", `the answer has no choices (${shown(answer)})`);
}

/** A text, or the text parts of a list of parts; null where there is neither. */
function textOf(content: unknown): string | null {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const parts = content.map((part) => {
    if (typeof part === "string") return part;
    const spoken = isRecord(part) &&
      (part.type === undefined || /^(?:output_)?text$/.test(`${part.type}`));
    return spoken && typeof part.text === "string" ? part.text : "";
  });
  return parts.join("");
}

function withheld(problem: string): Fault {
  return new Fault("withheld", problem);
}

/** A value as JSON, for a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
