import { z } from "zod";
import { UserError } from "../../base/error.ts";
import { keyVariable } from "../../base/key_variable.ts";
import { SERVED_APIS } from "./api.ts";

const whole = (least: number) => z.int().min(least);

const schema = z.strictObject({
  /** Address of the API, such as `http://127.0.0.1:8000/v1`. */
  url: z.url({ protocol: /^https?$/ }),
  /** The model's name on the server. */
  model: z.string().min(1),
  /** How it is asked. */
  api: z.enum(SERVED_APIS).default("chat"),
  /** Name of the environment variable with the API key; null: no key. */
  keyVariable: keyVariable.nullable().default(null),
  /** Header that carries the key; "authorization" gets "Bearer KEY". */
  keyHeader: z.string().regex(/^[\w-]+$/, "must be the name of a header").default("authorization"),
  /** Anything that changes when the weights behind the model's name do; part of the cache's keys. */
  revision: z.string().default(""),
  /** For "completions": model file or folder whose tokenizer and chat template word the texts. */
  tokenizer: z.string().min(1).nullable().default(null),
  /** For "completions": a Jinja file or a preset's name; null: that of `tokenizer`, without one plain text. */
  chatTemplate: z.string().min(1).nullable().default(null),
  /** Longest question in characters, where there is no `tokenizer` to count tokens by. */
  maxCharacters: whole(500).default(24_000),
  /** Most likely tokens asked for; null: 5 for "completions", 20 for "chat", OpenAI's limits. */
  top: whole(2).nullable().default(null),
  /** Whether a token must be the label to the blank; null: "exact" for "completions", else "trimmed". */
  match: z.enum(["exact", "trimmed"]).nullable().default(null),
  /** For "text": most tokens of the reply; models that reason need hundreds. */
  maxReplyTokens: whole(1).default(16),
  /** Requests under way at once. */
  concurrency: whole(1).default(4),
  /** Most ms until an answer is there. */
  timeoutMs: whole(1).default(60_000),
  /** Further attempts at a request that failed. */
  retries: whole(0).default(6),
  /** Longest wait between attempts in ms; a server that asks for more is given up. */
  maxWaitMs: whole(0).default(120_000),
  /** A comparison that cannot be judged: "stop", or count it as "unanswered" and continue. */
  onFailure: z.enum(["stop", "unanswered"]).default("stop"),
  /** Fields put over those of each request; null takes one out, as in `{"max_tokens": null}`. */
  body: z.record(z.string(), z.unknown()).default({}),
});

/** A judge on a server; see the schema for each field. */
export type ServedSpec = z.output<typeof schema>;

/**
 * Checks the settings of a served judge and fills in what is left out.
 *
 * @param place Where they are from, for messages.
 * @throws {UserError} Naming the field that is unknown or out of range, or a secret in the address.
 *
 * @example
 * ```ts
 * import { servedSpec } from "./spec.ts";
 * const spec = servedSpec({ url: "https://api.openai.com/v1", model: "gpt-4.1-mini", keyVariable: "OPENAI_API_KEY" });
 * ```
 */
export function servedSpec(input: unknown, place = "the served judge"): Readonly<ServedSpec> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const hint = issue.keys.some((key) => /key|token|secret/i.test(key))
        ? "keys are read from the environment alone: give the variable's name as keyVariable; "
        : "";
      throw new UserError(
        `${place} has no setting "${issue.keys[0]}"`,
        `${hint}there are ${Object.keys(schema.shape).join(", ")}`,
      );
    }
    throw new UserError(`${place}, setting ${field || "(all)"}: ${issue.message}`, SHAPE);
  }
  const spec = parsed.data;
  const { username, password, search, hash } = new URL(spec.url);
  if (username || password || search || hash) {
    throw new UserError(
      `${place}: the address has a user, a query or a fragment in it`,
      "give the address alone; a key goes in the environment variable that keyVariable names",
    );
  }
  if (spec.api !== "completions" && (spec.tokenizer !== null || spec.chatTemplate !== null)) {
    throw new UserError(
      `${place}: tokenizer and chatTemplate are for the API "completions", not "${spec.api}"`,
      "leave them out: over the chat APIs the server words the prompt",
    );
  }
  return Object.freeze(spec);
}

const SHAPE =
  'write {"url": "http://127.0.0.1:8000/v1", "model": "NAME", "api": "completions" | "chat" | "text", ...}';

/**
 * Reads the settings as a command line gives them: a `.json` file, or an address with settings after
 * it, `http://127.0.0.1:8000/v1,model=smollm2,api=completions`.
 *
 * @throws {UserError} When the file cannot be read, or as {@linkcode servedSpec}.
 */
export async function parseServedSpec(text: string): Promise<Readonly<ServedSpec>> {
  if (/\.json$/.test(text) && !/^https?:/.test(text)) {
    let content: unknown;
    try {
      content = JSON.parse(await Deno.readTextFile(text));
    } catch (cause) {
      const reason = cause instanceof Deno.errors.NotFound ? "there is no such file" : "not JSON";
      throw new UserError(`${text} cannot be read: ${reason}`, SHAPE, { cause });
    }
    return servedSpec(content, text);
  }
  const [url, ...settings] = text.split(",");
  const fields = settings.map((setting, index): [string, unknown] => {
    const at = setting.indexOf("=");
    if (at < 1) {
      throw new UserError(
        // Not quoted: it may be a key that was given where none belongs.
        `served judge: number ${index + 1} of what follows the address is no setting`,
        "write URL,model=NAME,api=completions or the like, or give a .json file",
      );
    }
    return [setting.slice(0, at), scalar(setting.slice(at + 1))];
  });
  return servedSpec({ url, ...Object.fromEntries(fields) }, "served judge");
}

/** A value as JSON where it is a number, true, false or null, else as text. */
function scalar(text: string): unknown {
  return /^(-?\d+(\.\d+)?|true|false|null)$/.test(text) ? JSON.parse(text) : text;
}

/**
 * The API key, from the environment.
 *
 * @throws {UserError} When the variable is not set.
 */
export function keyOf(
  { keyVariable }: Pick<ServedSpec, "keyVariable">,
  read: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string | undefined {
  if (keyVariable === null) return undefined;
  const key = read(keyVariable)?.trim();
  if (key) return key;
  throw new UserError(
    `the environment variable ${keyVariable} is not set`,
    `set it to the API key, or correct the judge's keyVariable`,
  );
}
