import type { WeightSource } from "./weight_source.ts";

/** What torch.compile and data-parallel training put before every name: https://github.com/pytorch/pytorch/issues/101107 */
const WRAPPERS = ["_orig_mod.", "module."];

/** A name without the wrappers' parts. */
export function unwrappedName(name: string): string {
  const wrapper = WRAPPERS.find((wrapper) => name.startsWith(wrapper));
  return wrapper === undefined ? name : unwrappedName(name.slice(wrapper.length));
}

/**
 * Weights under the names that `transformers` gives them, whichever form they were saved in: out of torch.compile's
 * or a data-parallel wrapper, from the model without its head (`LlamaModel`), or, where the embeddings are tied, with
 * the output layer alone.
 *
 * @param options.tied Whether the output layer is the embedding. @default false
 */
export function unwrapped(
  source: WeightSource,
  { tied = false }: { tied?: boolean } = {},
): WeightSource {
  const stored = new Map(source.names.map((name) => [unwrappedName(name), name]));
  if (stored.size < source.names.length) return source; // with and without: nobody knows which
  if (stored.has("embed_tokens.weight") && !stored.has("model.embed_tokens.weight")) {
    for (const [name, original] of [...stored]) {
      if (!/^(embed_tokens|layers|norm|rotary_emb)\./.test(name)) continue;
      stored.delete(name);
      stored.set(`model.${name}`, original);
    }
  }
  const [output, embedding] = ["lm_head.weight", "model.embed_tokens.weight"];
  if (tied && stored.has(output) && !stored.has(embedding)) {
    stored.set(embedding, stored.get(output)!);
    stored.delete(output);
  }
  const original = (name: string) => stored.get(name) ?? name;
  return {
    names: [...stored.keys()],
    shape: (name) => source.shape(original(name)),
    read: (name) => source.read(original(name)),
    close: () => source.close(),
  };
}
