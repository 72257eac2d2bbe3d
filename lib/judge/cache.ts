import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { UserError } from "../error.ts";
import type { Seats } from "./judgment.ts";

/**
 * What a judge has already said, by content, so that nothing is judged twice.
 *
 * The key is a hash of the model's fingerprint, the label ids and the prompt's token ids. With a
 * path, every new entry is also a line of a JSONL file, and a later run finds it there. A last line
 * torn by a kill is cut off when the file is opened ({@linkcode repaired} says so).
 *
 * @example
 * ```ts
 * import { JudgmentCache } from "./cache.ts";
 * const cache = JudgmentCache.open({ fingerprint: "jsft-step-400" }); // in memory: no path
 * ```
 */
export class JudgmentCache {
  /** Look-ups that found an entry, and that did not, since the cache was made. */
  readonly counts = { hits: 0, misses: 0 };
  /** Whether a torn last line was cut off when the file was opened. */
  readonly repaired: boolean;
  readonly #fingerprint: string;
  readonly #path?: string;
  readonly #entries: Map<string, Seats>;

  private constructor(
    options: { fingerprint: string; path?: string },
    loaded: { entries: Map<string, Seats>; repaired: boolean },
  ) {
    this.#fingerprint = options.fingerprint;
    this.#path = options.path;
    this.#entries = loaded.entries;
    this.repaired = loaded.repaired;
  }

  /**
   * A cache in memory, or with `path` one that continues a file.
   *
   * `fingerprint` names the model: it must change whenever its weights do.
   *
   * @throws {UserError} When a whole line of the file is not an entry, naming file and line.
   */
  static open(options: { fingerprint: string; path?: string }): JudgmentCache {
    if (options.fingerprint === "") {
      throw new UserError(
        "a judgment cache has an empty fingerprint",
        "pass a text that changes when the judge's weights do, such as a hash of its checkpoint",
      );
    }
    const loaded = options.path === undefined
      ? { entries: new Map<string, Seats>(), repaired: false }
      : load(options.path);
    return new JudgmentCache(options, loaded);
  }

  /** Entries held, of all fingerprints. */
  get size(): number {
    return this.#entries.size;
  }

  /** The key of one question to the judge. */
  key(prompt: readonly number[], labelIds: readonly [number, number]): string {
    return createHash("sha256")
      .update(this.#fingerprint)
      .update(Int32Array.of(0, ...labelIds))
      .update(Int32Array.from(prompt))
      .digest("base64url")
      .slice(0, 32);
  }

  /** The stored answer, counted as a hit or a miss. */
  get(key: string): Seats | undefined {
    const found = this.#entries.get(key);
    this.counts[found ? "hits" : "misses"]++;
    return found;
  }

  /** Stores answers, and appends them to the file in one write. */
  add(entries: readonly (readonly [string, Seats])[]): void {
    const fresh = entries.filter(([key]) => !this.#entries.has(key));
    for (const [key, seats] of fresh) this.#entries.set(key, seats);
    if (this.#path !== undefined && fresh.length > 0) {
      const lines = fresh.map(([key, { a, b }]) => JSON.stringify({ key, a, b }) + "\n");
      Deno.writeTextFileSync(this.#path, lines.join(""), { append: true });
    }
  }
}

/** Reads the entries of a file, and cuts off what follows its last line end. */
function load(path: string): { entries: Map<string, Seats>; repaired: boolean } {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(dirname(path), { recursive: true });
    return { entries: new Map(), repaired: false };
  }
  const whole = bytes.lastIndexOf(0x0a) + 1; // bytes up to and with the last line end
  const repaired = whole < bytes.length;
  const lines = new TextDecoder().decode(bytes.subarray(0, whole)).split("\n").slice(0, -1);
  const entries = new Map(lines.map((line, index) => entry(line, `${path} line ${index + 1}`)));
  // Only after every whole line has proved to be an entry is this surely a file of ours to cut.
  if (repaired) Deno.truncateSync(path, whole);
  return { entries, repaired };
}

function entry(line: string, place: string): [string, Seats] {
  try {
    const { key, a, b } = JSON.parse(line);
    if (typeof key === "string" && isProbability(a) && isProbability(b)) return [key, { a, b }];
  } catch {
    // falls through to the error below, which quotes the line
  }
  throw new UserError(
    `${place} is not a stored judgment: ${line.slice(0, 60)}`,
    "delete that line, or the whole file to judge everything anew",
  );
}

/** Whether a value is a number in [0, 1], with room for the rounding of a softmax in float32. */
export function isProbability(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1 + 1e-5;
}
