import { z } from "zod";
import { UserError } from "../base/error.ts";
import { type AddedToken, addedTokenSchema } from "./added_tokens.ts";

const named = z.union([z.string(), z.object({ content: z.string() }).transform((t) => t.content)]);
const several = z.union([z.array(named), z.record(z.string(), named).transform(Object.values)]);

/** What a `tokenizer_config.json` says of added tokens. */
export const configTokensSchema = z.object({
  added_tokens_decoder: z.record(
    z.string().regex(/^\d+$/),
    addedTokenSchema.omit({ id: true }),
  ).default({}),
  additional_special_tokens: several.nullish(),
  extra_special_tokens: several.nullish(),
});

export type ConfigTokens = z.infer<typeof configTokensSchema>;

const jsonSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  model: z.object({ vocab: z.union([z.record(z.string(), z.number()), z.array(z.unknown())]) }),
});

/**
 * A `tokenizer.json` with the added tokens of the `tokenizer_config.json` beside it, as `transformers` puts the
 * two together: what the configuration says of a token counts, and a token that only it names is added.
 *
 * @param json The `tokenizer.json`.
 * @param file Name of the configuration, for messages.
 * @returns `json` itself where the configuration says nothing new.
 * @throws UserError when a token would get another id than the configuration gives it.
 */
export function withConfigTokens(json: unknown, config: ConfigTokens, file: string): unknown {
  const parsed = jsonSchema.safeParse(json);
  const listed = Object.entries(config.added_tokens_decoder).map(([id, token]) => ({
    ...token,
    id: Number(id),
  })).sort((a, b) => a.id - b.id);
  const special = [...config.additional_special_tokens ?? [], ...config.extra_special_tokens ?? []];
  if (!parsed.success || listed.length + special.length === 0) return json;
  const { added_tokens: tokens, model } = parsed.data;
  const vocabulary = Array.isArray(model.vocab)
    ? new Map(model.vocab.map((piece, id) => [Array.isArray(piece) ? piece[0] : piece, id]))
    : new Map(Object.entries(model.vocab));
  const merged = new Map(tokens.map((token) => [token.content, token]));
  const known = (content: string) => merged.get(content)?.id ?? vocabulary.get(content);
  const next = () => Math.max(vocabulary.size, ...[...merged.values()].map(({ id }) => id + 1));
  for (const token of listed) {
    const id = known(token.content) ?? next();
    if (id !== token.id) {
      throw new UserError(
        `${file}: added_tokens_decoder gives ${
          JSON.stringify(token.content)
        } the id ${token.id}, ` +
          `where tokenizer.json gives it ${id}`,
        "fetch both files again, or correct the id",
      );
    }
    merged.set(token.content, token);
  }
  for (const content of special) {
    if (known(content) === undefined) merged.set(content, specialToken(next(), content));
  }
  return { ...json as object, added_tokens: [...merged.values()].sort((a, b) => a.id - b.id) };
}

const specialToken = (id: number, content: string): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});
