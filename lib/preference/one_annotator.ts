import { quote } from "./record.ts";

/** Tells of annotations by another annotator than the first one, over any number of files. */
export class OneAnnotator {
  #first: { readonly name: string; readonly place: string } | null = null;

  /** What to say of an item by another annotator than those before it; null where there is nothing to say. */
  otherThanBefore(name: string | null | undefined, place: string): string | null {
    if (name == null) return null;
    this.#first ??= { name, place };
    if (this.#first.name === name) return null;
    return `the annotator is ${quote(name)}, in ${this.#first.place} it is ${
      quote(this.#first.name)
    }: ` +
      "verdicts of different annotators are mixed, give files of one";
  }
}
