/**
 * Text to tokens and back, and dialogues to text.
 *
 * @module
 */
export {
  ChatTemplate,
  type ChatTokens,
  type RenderOptions,
  TemplateRefusal,
  type Turn,
} from "./chat.ts";
export { chatTemplateFrom, chatTemplateSource } from "./chat_file.ts";
export { CHAT_PRESETS, type ChatPreset } from "./chat_presets.ts";
export { tokenizerFromGguf } from "./gguf_tokenizer.ts";
export { ggufVocabulary } from "./gguf_vocabulary.ts";
export { openTokenizer, type OpenTokenizerOptions } from "./open_tokenizer.ts";
export { PlainEncoder, type PlainTokenizer } from "./plain_text.ts";
export { TextTokenizer, type TokenizerOptions } from "./tokenizer.ts";
export { writeTokenizer } from "./write_tokenizer.ts";
