/** Colours of a terminal. @module */
import { styleText } from "node:util";

/** How a word may look. */
export type Look = "bold" | "dim" | "red" | "green" | "yellow";

/** Where something is printed. */
const STREAMS = { out: Deno.stdout, err: Deno.stderr } as const;

/**
 * A text in a colour where it goes to a terminal and NO_COLOR is not set, else as it is.
 *
 * @param where Whether it is printed to stdout or to stderr. @default "out"
 */
export function coloured(look: Look, text: string, where: keyof typeof STREAMS = "out"): string {
  if (Deno.noColor || !STREAMS[where].isTerminal()) return text;
  return styleText(look, text, { validateStream: false });
}
