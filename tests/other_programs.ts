/**
 * What `transformers`, PEFT, llama.cpp and `datasets` make of files. Needs a Python with them: `.reference/venv` of
 * `deno task bench` with what `tests/reference/requirements.txt` names, or the one that SELF_JUDGE_REFERENCE_PYTHON
 * names; what it lacks is skipped, and said.
 */
import { it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PYTHON = Deno.env.get("SELF_JUDGE_REFERENCE_PYTHON") ?? ".reference/venv/bin/python";
const SCRIPT = fileURLToPath(import.meta.resolve("./reference/read_artefacts.py"));

/** Whether the Python is there and has a package. */
export function has(name: string): boolean {
  if (!existsSync(PYTHON)) return false;
  const { success } = new Deno.Command(PYTHON, {
    args: ["-c", `import ${name}`],
    ...{ stdout: "null", stderr: "null" } as const,
  }).outputSync();
  return success;
}

/** `it` where a package is there. */
export const itIf = (there: boolean, what: string) => {
  if (!there) console.warn(`skipping what ${what} reads: ${PYTHON} has no ${what}`);
  return there ? it : it.skip;
};

export interface Read {
  log_probs: number[][];
  last: number[][];
  ids: number[][];
  chats: string[];
  ends: number[];
  chat_template: string;
}

export interface Request {
  folders: Record<string, string>;
  gguf?: Record<string, string>;
  sequences: readonly (readonly number[])[];
  tokens: readonly number[];
  texts: readonly string[];
  chats: readonly unknown[];
  pairs?: string;
}

/** What the Python makes of folders and files. */
export async function read<T = Record<string, Read>>(request: Request): Promise<T> {
  const child = new Deno.Command(PYTHON, {
    args: [SCRIPT],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" } as const,
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(request)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The sum of a sequence's log-probabilities. */
export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
