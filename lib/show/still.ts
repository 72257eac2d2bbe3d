/** Still pictures of figures for places that cannot draw Plotly, kept by what they were drawn from. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { UserError } from "../base/error.ts";
import { writeWhole } from "../base/files.ts";
import { plotlySource, renderImages } from "./render.ts";
import type { Figure } from "./style.ts";

/** Draws PNG files; {@linkcode renderImages} outside tests. */
export type Draw = (figures: readonly Figure[]) => Promise<Uint8Array<ArrayBuffer>[]>;

/** A picture, or why there is none. */
export type Still = { png: Uint8Array<ArrayBuffer> } | { reason: string };

let tools: Promise<string> | undefined;

/**
 * The figure as a PNG, drawn in headless Chromium or, if the same figure was drawn before, read from
 * `.engine/stills`.
 *
 * @param options.folder Where pictures are kept.
 */
export async function still(
  figure: Figure,
  { draw = (figures) => renderImages(figures, "png"), folder = STILLS }: {
    draw?: Draw;
    folder?: string;
  } = {},
): Promise<Still> {
  tools ??= toolHash();
  const key = createHash("sha256").update(await tools).update(JSON.stringify(figure)).digest("hex");
  const path = `${folder}/${key.slice(0, 32)}.png`;
  try {
    return { png: await Deno.readFile(path) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    const [png] = await draw([figure]);
    await writeWhole(path, png);
    return { png };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { reason: error.message };
  }
}

const STILLS = fileURLToPath(new URL("../../.engine/stills", import.meta.url));

/** Changes with plotly.js and with the way it is called. */
async function toolHash(): Promise<string> {
  const renderer = await Deno.readTextFile(new URL("./render.ts", import.meta.url));
  return createHash("sha256").update(await plotlySource()).update(renderer).digest("hex");
}
