import { UserError } from "../base/error.ts";
import { refuseLfsPointer } from "../base/lfs.ts";
import { ChatTemplate, type ChatTokens } from "./chat.ts";
import { CHAT_PRESETS } from "./chat_presets.ts";

/**
 * The Jinja source of a chat template by a preset's name or a file's path.
 *
 * @throws UserError when it is neither, or the file is empty.
 */
export async function chatTemplateSource(spec: string): Promise<string> {
  if (Object.hasOwn(CHAT_PRESETS, spec)) return CHAT_PRESETS[spec].source;
  const remedy = `give a Jinja file or one of ${Object.keys(CHAT_PRESETS).join(", ")}`;
  let source: string;
  try {
    source = await Deno.readTextFile(spec);
  } catch (cause) {
    throw new UserError(
      cause instanceof Deno.errors.NotFound
        ? `chat template ${JSON.stringify(spec)}: no preset has that name and there is no such file`
        : `chat template ${JSON.stringify(spec)} cannot be read: ${(cause as Error).message}`,
      remedy,
      { cause },
    );
  }
  refuseLfsPointer(spec, source);
  if (source.trim() !== "") return source;
  throw new UserError(`chat template ${JSON.stringify(spec)}: the file is empty`, remedy);
}

/**
 * The chat template that a setting names: a Jinja file or a preset, or with null the tokenizer's own.
 *
 * @throws UserError when `spec` is neither, the template cannot be read, or null is given for a tokenizer
 * without one.
 *
 * @example
 * ```ts
 * import { chatTemplateFrom } from "./chat_file.ts";
 * const chat = await chatTemplateFrom("zephyr", { eosToken: "</s>", chatTemplate: null });
 * chat.render([{ role: "user", content: "Hi" }]); // "<|user|>\nHi</s>\n"
 * ```
 */
export async function chatTemplateFrom(
  spec: string | null,
  tokenizer: ChatTokens & { readonly chatTemplate: string | null },
): Promise<ChatTemplate> {
  if (spec === null) return ChatTemplate.of(tokenizer);
  return ChatTemplate.of(tokenizer, { template: await chatTemplateSource(spec) });
}
