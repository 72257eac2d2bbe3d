/**
 * Text to tokens and back, and dialogues to text.
 *
 * @module
 */
export { ChatTemplate, type ChatTokens, type RenderOptions, type Turn } from "./chat.ts";
export { tokenizerFromGguf } from "./gguf_tokenizer.ts";
export { openTokenizer } from "./open_tokenizer.ts";
export { PlainEncoder, type PlainTokenizer } from "./plain_text.ts";
export { TextTokenizer, type TokenizerOptions } from "./tokenizer.ts";
