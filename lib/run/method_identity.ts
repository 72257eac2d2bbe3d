import { type Method, methodNamed } from "../method/mod.ts";

/**
 * What a method does, as a part of what a result depends on: an edited entry of the table trains anew. A
 * change in its functions it cannot see: that is what an entry's `revision` is for.
 */
export function methodIdentity(name: string): Omit<Method, "source" | "words" | "prompts"> {
  const { source: _source, words: _words, prompts: _functions, ...identity } = methodNamed(name);
  return identity;
}
