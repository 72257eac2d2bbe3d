/**
 * The way from a notebook cell to its output. Outside a kernel there is none, and callers print text.
 *
 * @module
 */
import { macrotask } from "../base/turn.ts";

/** Contents of one output by MIME type. */
export type Bundle = Record<string, unknown>;

/** What {@linkcode send} sends besides the contents. */
export interface SendOptions {
  /** Hints by MIME type, such as the width of a picture. */
  metadata?: Record<string, unknown>;
  /** Names the output, so that a later message can replace it. */
  displayId?: string;
  /** Replace the output of that name instead of adding one. */
  update?: boolean;
}

/** The part of `Deno.jupyter` that is used. */
export interface Jupyter {
  broadcast(type: string, content: Record<string, unknown>): Promise<void> | void;
}

let standIn: Jupyter | undefined;

/** Takes the place of a kernel in tests, until called without one. */
export function standInKernel(jupyter?: Jupyter): void {
  standIn = jupyter;
}

function jupyter(): Jupyter | undefined {
  if (standIn) return standIn;
  try {
    return (Deno as { jupyter?: Jupyter }).jupyter; // the getter throws outside a kernel
  } catch {
    return undefined;
  }
}

/** True in a cell of a notebook, false in a script. */
export function inKernel(): boolean {
  return jupyter() !== undefined;
}

/**
 * Sends one output to the notebook. The turn of the event loop at the end matters: the Deno kernel reports a
 * cell as finished before it sends what is still queued, and such an output can be lost.
 */
export async function send(data: Bundle, options: SendOptions = {}): Promise<void> {
  const { metadata = {}, displayId, update = false } = options;
  await jupyter()?.broadcast(update ? "update_display_data" : "display_data", {
    data,
    metadata,
    transient: displayId === undefined ? {} : { display_id: displayId },
  });
  await macrotask();
}
