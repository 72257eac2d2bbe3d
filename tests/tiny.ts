/**
 * A tiny language, a tiny model that speaks it and preferences in it, for tests that need the real thing
 * at no cost. Importing this module starts the engine.
 */
import { DEFAULT_LAYOUT } from "../lib/method/layout.ts";
import { PRINCIPLE_DEFAULTS } from "../lib/method/principle.ts";
import { LanguageModel, type ModelConfig } from "../lib/model/mod.ts";
import type { Pair } from "../lib/preference/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { TextTokenizer } from "../lib/text/mod.ts";

await startEngine();

/** ChatML, the form that SmolLM2 uses. */
const CHAT_TEMPLATE =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unk>"];
const FRUITS = ["apple", "pear", "plum", "fig", "lime", "grape", "mango", "melon"];
const GOOD = ["Sure", "Gladly", "Yes", "Fine"];
const BAD = ["Never", "No", "Bah", "Why"];
const WORD = / ?\w+|\s|[^\w\s]/g;

let language: TextTokenizer | undefined;

/**
 * A word-level tokenizer (a word carries the space before it) with ChatML. It knows every word of the
 * judge's default prompts and of {@linkcode tinyPairs}; others become `<unk>`.
 */
export function tinyLanguage(): TextTokenizer {
  return language ??= makeLanguage();
}

function makeLanguage(): TextTokenizer {
  const texts = [
    "system\nuser\nassistant\n A B",
    DEFAULT_LAYOUT.turn.replace(/\{\w+\}/g, ""),
    ...Object.values(DEFAULT_LAYOUT.roles).map((role) => role ?? ""),
    ...PRINCIPLE_DEFAULTS.flatMap(({ question = "", verdict }) => [question, verdict]),
    ...[...FRUITS, ...GOOD, ...BAD].flatMap((word) => [word, ` ${word}`]),
    " Name Name and , please .",
  ];
  const words = new Set(texts.flatMap((text) => text.match(WORD) ?? []));
  const vocab = Object.fromEntries([...SPECIAL, ...words].map((word, id) => [word, id]));
  return TextTokenizer.fromJson({
    version: "1.0",
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: content !== "<unk>", // so that an unknown word stays visible
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Split",
      pattern: { Regex: WORD.source },
      behavior: "Isolated",
      invert: false,
    },
    post_processor: null,
    decoder: { type: "Fuse" },
    model: { type: "WordLevel", vocab, unk_token: "<unk>" },
  }, {
    eosToken: "<|im_end|>",
    bosToken: "<|im_start|>",
    padToken: "<|endoftext|>",
    chatTemplate: CHAT_TEMPLATE,
  });
}

/** Shape of a two-layer Llama with grouped queries, for the words of {@linkcode tinyLanguage}. */
export function tinyConfig(overrides: Partial<ModelConfig> = {}): ModelConfig {
  const { size, bosId, eosId, padId } = tinyLanguage();
  return {
    family: "llama",
    vocabSize: size,
    hiddenSize: 32,
    intermediateSize: 48,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 8,
    maxPositions: 512,
    rmsEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    tieEmbeddings: true,
    biases: [],
    bosId,
    eosIds: [eosId],
    padId,
    ...overrides,
  };
}

/**
 * A random model: the same one for the same config and seed. Weights are large enough for its
 * predictions to differ clearly from token to token. The caller disposes of it.
 */
export function tinyModel(overrides: Partial<ModelConfig> & { seed?: number } = {}): LanguageModel {
  const { seed = 7, ...config } = overrides;
  return LanguageModel.build(tinyConfig(config), (name, shape) => {
    const rng = Rng.named(seed, name);
    const size = shape.reduce((a, b) => a * b, 1);
    if (name.endsWith("norm.weight")) return randoms(size, { rng, low: 0.5, high: 1.5 });
    // Uniform on [-a, a] has deviation a / sqrt(3).
    const a = name.includes("embed") || shape.length === 1 ? 0.5 : 2.5 / Math.sqrt(shape[1]);
    return randoms(size, { rng, low: -a, high: a });
  });
}

/** Uniform numbers in [low, high). */
export function randoms(
  size: number,
  { rng, low = -1, high = 1 }: { rng: Rng; low?: number; high?: number },
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, () => low + (high - low) * rng.uniform());
}

/**
 * Preferences in the tiny language: the better answer agrees and names the fruits asked for, the worse
 * one refuses. No prompt comes twice up to n = 64.
 */
export function tinyPairs(n: number, seed: number): Pair[] {
  const rng = Rng.named(seed, "tiny pairs");
  const prompts = rng.shuffle(FRUITS.flatMap((a) => FRUITS.map((b) => [a, b])));
  const one = (words: readonly string[]) => words[rng.int(words.length)];
  return Array.from({ length: n }, (_, i): Pair => {
    const [fruit, other] = prompts[i % prompts.length];
    return {
      id: `tiny:${i}`,
      prompt: [{ role: "user", content: `Name ${fruit} and ${other}, please.` }],
      chosen: `${one(GOOD)}, ${fruit} and ${other}.`,
      rejected: `${one(BAD)}, ${one(BAD)} ${one(FRUITS)}.`,
      source: "tiny",
    };
  });
}
