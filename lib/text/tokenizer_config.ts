import { z } from "zod";
import { exists } from "../base/disk.ts";
import { UserError } from "../base/error.ts";
import { refuseLfsPointer } from "../base/lfs.ts";
import { readJson } from "../model/json_file.ts";
import { type ConfigTokens, configTokensSchema } from "./config_tokens.ts";

const tokenName = z.union([
  z.string(),
  z.object({ content: z.string() }).transform((t) => t.content),
]).nullish();

const namesSchema = z.object({ bos_token: tokenName, eos_token: tokenName, pad_token: tokenName });

const configSchema = z.object({
  ...namesSchema.shape,
  ...configTokensSchema.shape,
  chat_template: z.union([
    z.string(),
    z.array(z.object({ name: z.string(), template: z.string() })),
  ]).nullish(),
});

/** What the files beside a `tokenizer.json` say. */
export interface TokenizerConfig {
  /** Path of `tokenizer_config.json`. */
  readonly file: string;
  readonly bosToken: string | null;
  readonly eosToken: string;
  readonly padToken: string | null;
  /** Jinja source, null for none. */
  readonly chatTemplate: string | null;
  readonly tokens: ConfigTokens;
}

/**
 * Reads `tokenizer_config.json` (names of the special tokens, added tokens, chat template) and, if they are there,
 * `special_tokens_map.json`, which named the tokens before it, and `chat_template.jinja`.
 *
 * @param folder With the separator at its end.
 * @param template Jinja source to use instead of the folder's, null for that.
 * @throws UserError when a file is missing, damaged, or names no end token.
 */
export async function readTokenizerConfig(
  folder: string,
  template: string | null = null,
): Promise<TokenizerConfig> {
  const file = `${folder}tokenizer_config.json`;
  const config = configSchema.safeParse(await readJson(file));
  const remedy = "fetch the file again, or name the token that ends a text";
  if (!config.success) {
    throw new UserError(`${file}: "${config.error.issues[0].path.join(".")}" is wrong`, remedy);
  }
  const { eos_token, chat_template, ...tokens } = config.data;
  const map = `${folder}special_tokens_map.json`;
  const older = eos_token == null && await exists(map)
    ? namesSchema.safeParse(await readJson(map)).data
    : undefined;
  const eosToken = eos_token ?? older?.eos_token;
  if (eosToken == null) throw new UserError(`${file}: "eos_token" is missing`, remedy);
  const jinja = `${folder}chat_template.jinja`;
  const separate = await Deno.readTextFile(jinja).catch(() => null);
  if (separate !== null) refuseLfsPointer(jinja, separate);
  return {
    file,
    bosToken: tokens.bos_token ?? older?.bos_token ?? null,
    eosToken,
    padToken: tokens.pad_token ?? older?.pad_token ?? null,
    chatTemplate: template ?? separate ?? templateOf(chat_template ?? null, file),
    tokens,
  };
}

/** The template named "default" where there are several, as transformers chooses. */
function templateOf(
  template: string | readonly { name: string; template: string }[] | null,
  file: string,
): string | null {
  if (template === null || typeof template === "string") return template;
  const chosen = template.find(({ name }) => name === "default");
  if (chosen || template.length === 0) return chosen?.template ?? null;
  throw new UserError(
    `${file}: chat_template has only the templates ${template.map((t) => t.name).join(", ")}`,
    'name one of them "default", or a template with the setting chat.template',
  );
}
