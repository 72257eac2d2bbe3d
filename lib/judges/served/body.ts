import { isRecord } from "./body_fault.ts";

/**
 * A body as JSON: as it stands, with Python's `NaN` and `Infinity` as null, or put together from a stream that was not
 * asked for (`data: {...}` lines). Undefined where it is none of these.
 */
export function parseBody(text: string): unknown {
  return parsed(text) ?? parsed(withoutConstants(text)) ?? ofStream(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Outside strings, what Python's `json` writes for numbers that JSON has no name for. */
function withoutConstants(text: string): string {
  return text.replace(
    /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g,
    (found) => found.startsWith('"') ? found : "null",
  );
}

/** One answer out of the pieces of a stream of server-sent events: their texts and lists joined, the last reason. */
function ofStream(text: string): unknown {
  if (!/^\s*(?:data|event|id|:)/.test(text)) return undefined;
  const pieces = [...text.matchAll(/^data:\s*(\{.*\})\s*$/gm)].map(([, json]) => parsed(json));
  const failed = pieces.find((piece) => isRecord(piece) && piece.error);
  if (failed !== undefined || pieces.length === 0) return failed;
  // deno-lint-ignore no-explicit-any
  const choices = pieces.map((piece: any) => piece?.choices?.[0]).filter(Boolean);
  const joined = (read: (choice: typeof choices[number]) => unknown) => {
    const parts = choices.map(read).filter((part) => typeof part === "string");
    return parts.length === 0 ? null : parts.join("");
  };
  const listed = choices.flatMap(({ logprobs }) => logprobs?.content ?? []);
  const message = {
    content: joined(({ delta, message }) => delta?.content ?? message?.content),
    reasoning_content: joined(({ delta }) => delta?.reasoning_content ?? delta?.reasoning),
  };
  const reasons = choices.map(({ finish_reason }) => finish_reason).filter(Boolean);
  return {
    choices: [{
      message,
      text: joined(({ text }) => text),
      finish_reason: reasons.at(-1) ?? null,
      logprobs: listed.length > 0 ? { content: listed } : choices[0]?.logprobs ?? null,
    }],
  };
}
