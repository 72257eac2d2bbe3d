import { type Method, methodNamed } from "../method/mod.ts";

/**
 * What a method does, as a part of what a result depends on: an edited entry of the table trains anew. Its prompts
 * are functions, whose change it cannot see.
 */
export function methodIdentity(name: string): Omit<Method, "source" | "words" | "prompts"> {
  const { source: _source, words: _words, prompts: _functions, ...identity } = methodNamed(name);
  return identity;
}
