import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { UserError } from "../../base/error.ts";
import type { Repetition } from "./measure.ts";

const Answer = z.union([
  z.object({ error: z.string() }),
  z.object({ seconds: z.number().positive(), items: z.number().positive() }),
]);
const Versions = z.record(z.string(), z.string());

/** The Python process that does PyTorch's side: one request a repetition, one answer each. */
export class ReferenceWorker {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  /**
   * Starts `reference.py`.
   *
   * @param python An interpreter with the packages of requirements.txt.
   * @param options `device`: where PyTorch computes; `script`: another worker, in tests.
   * @throws {UserError} There is no such interpreter.
   */
  constructor(
    python: string,
    { device = "cpu", script = new URL("./reference.py", import.meta.url) }: {
      readonly device?: "cpu" | "cuda";
      readonly script?: URL;
    } = {},
  ) {
    try {
      this.#child = new Deno.Command(python, {
        args: [fileURLToPath(script), device],
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
        env: { PYTHONWARNINGS: "ignore", HF_HUB_OFFLINE: "1" },
      }).spawn();
    } catch (cause) {
      throw new UserError(
        `the interpreter "${python}" could not be started`,
        "name one that exists, with the packages of lib/tools/speed/requirements.txt",
        { cause },
      );
    }
    this.#input = this.#child.stdin.getWriter();
    // deno-lint-ignore no-explicit-any -- the two declarations of ReadableStream differ in name only
    const stdout = Readable.fromWeb(this.#child.stdout as any);
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Versions of Python and of the packages that count. */
  async versions(): Promise<Record<string, string>> {
    return Versions.parse(await this.#ask({ case: "versions" }));
  }

  /**
   * One repetition of a case, prepared first where it is new.
   *
   * @throws {UserError} The case failed there, or the process ended.
   */
  async run(name: string, args: Record<string, number>): Promise<Repetition> {
    const answer = Answer.parse(await this.#ask({ case: name, args }));
    if ("error" in answer) {
      throw new UserError(
        `PyTorch's side of the case "${name}" failed: ${answer.error}`,
        "check its arguments and the memory that is free; other cases can be run with --case",
      );
    }
    return answer;
  }

  /** Ends the process. */
  async close(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#lines.return?.();
    await this.#child.status;
  }

  async #ask(request: unknown): Promise<unknown> {
    try {
      await this.#input.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
    } catch {
      // a process that has ended: the read below says so
    }
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    const { code, signal } = await this.#child.status;
    throw new UserError(
      `the PyTorch process ended (${signal ?? `exit code ${code}`})`,
      "its message is above; a broken environment is made anew after `rm -r .reference/venv`",
    );
  }
}
