/**
 * Sampling temperatures by category, as FastChat has them (`temperature_config` in
 * `fastchat/llm_judge/common.py` of FastChat 0.2.36): greedy where there is one right answer.
 */
export const TEMPERATURES: Readonly<Record<string, number>> = {
  writing: 0.7,
  roleplay: 0.7,
  extraction: 0,
  math: 0,
  coding: 0,
  reasoning: 0,
  stem: 0.1,
  humanities: 0.1,
};

/** Of every other category (`get_model_answers` in the same package, `gen_model_answer.py`). */
export const OTHER_TEMPERATURE = 0.7;

/** The temperature at which a category's questions are answered. */
export function temperatureOf(category: string): number {
  return Object.hasOwn(TEMPERATURES, category) ? TEMPERATURES[category] : OTHER_TEMPERATURE;
}

/**
 * What else shapes the draw: FastChat leaves it to `transformers`, whose `generate` keeps the 50 likeliest
 * tokens and no nucleus unless a model says otherwise
 * (https://huggingface.co/docs/transformers/main_classes/text_generation, `top_k`, `top_p`).
 */
export const BENCHMARK_SAMPLING = { topK: 50, topP: 1 } as const;
