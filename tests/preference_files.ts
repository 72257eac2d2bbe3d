/** What the tests of the preference room share: files in a folder that is removed, and what readers say of them. */
import { after, before, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UserError } from "../lib/base/error.ts";
import { type BadLine, collectPairs, type readPairs } from "../lib/preference/mod.ts";

/** A temporary folder for the tests of a file; `path` is set when they run. */
export const folder = { path: "" };
before(async () => {
  folder.path = await Deno.makeTempDir({ prefix: "preference-" });
});
after(() => Deno.remove(folder.path, { recursive: true }));

/** Writes a file into the folder (a value as JSON) and gives its path. */
export async function file(name: string, content: unknown): Promise<string> {
  const path = `${folder.path}/${name}`;
  if (content instanceof Uint8Array) await Deno.writeFile(path, content);
  else {await Deno.writeTextFile(
      path,
      typeof content === "string" ? content : JSON.stringify(content),
    );}
  return path;
}

/** Rejects with a UserError whose message matches every pattern. */
export async function refuses(work: () => Promise<unknown>, ...patterns: RegExp[]) {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  });
}

/** All pairs of a file, bad records skipped and listed. */
export async function skipping(path: string, options: Parameters<typeof readPairs>[1] = {}) {
  const bad: BadLine[] = [];
  const read = await collectPairs(path, {
    ...options,
    onBadLine: "skip",
    report: (b) => bad.push(b),
  });
  return { ...read, bad };
}

/** A sound line of JSONL. */
export const GOOD = '{"prompt":"Hi","chosen":"Hello!","rejected":"What?"}\n';

/** Folder with the real data sets; a test that needs one is skipped where it is not there. */
const DATA = Deno.env.get("SELF_JUDGE_DATA") ||
  fileURLToPath(new URL("../../shared/data", import.meta.url));
/** HH-RLHF, harmless-base, test split. */
export const HH = `${DATA}/hh-rlhf/harmless-base-test.jsonl.gz`;
/** AlpacaEval's published annotations of 15 models. */
export const ALPACA = `${DATA}/alpaca-eval/annotations`;

/** `it` where the path is there; else says what is missing and skips. */
export function itWith(path: string): (name: string, test: () => Promise<void>) => void {
  if (existsSync(path)) return (name, test) => void it(name, test);
  console.warn(`skipping tests on real data: no ${path}; set SELF_JUDGE_DATA to its data folder`);
  return (name, test) => void it.skip(name, test);
}
