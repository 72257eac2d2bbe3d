/** What tests look for in a figure. */
import type { Figure, Trace } from "../lib/show/style.ts";

/** The traces of a name. */
export const named = ({ data }: Figure, name: string): Trace[] =>
  data.filter((trace) => trace.name === name);

/** A word that a figure shows, and where it stands. */
export interface Annotation {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly xref: string;
}

/** The words with their places. */
export const annotations = ({ layout }: Pick<Figure, "layout">): Annotation[] =>
  layout.annotations as Annotation[];

/** The words alone. */
export const words = (figure: Figure): string[] => annotations(figure).map(({ text }) => text);
