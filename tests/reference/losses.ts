import { z } from "zod";

const numbers = z.array(z.number());
const ids = z.array(numbers);
const schema = z.object({
  random_pairs: z.object({
    pairs: z.array(z.object({
      policy_chosen: z.number(),
      policy_rejected: z.number(),
      reference_chosen: z.number(),
      reference_rejected: z.number(),
    })),
    results: z.array(z.object({
      loss: z.enum(["sigmoid", "hinge", "ipo"]),
      beta: z.number(),
      values: numbers,
      gradient_policy_chosen: numbers,
      gradient_policy_rejected: numbers,
    })),
  }),
  real_pairs: z.object({
    examples: z.array(z.object({
      prompt_ids: numbers,
      chosen_ids: numbers,
      rejected_ids: numbers,
      policy_chosen: z.number(),
      policy_rejected: z.number(),
      reference_chosen: z.number(),
      reference_rejected: z.number(),
      "losses_beta_0.1": z.object({ sigmoid: z.number(), hinge: z.number() }),
    })),
    "sigmoid_beta_0.1_of_the_batch": z.number(),
  }),
  fine_tuning: z.object({
    ids,
    prompt_lengths: numbers,
    token_mean: z.number(),
    mean_of_each_row: numbers,
    example_mean: z.number(),
  }),
});

/** What `make_losses.py` wrote. */
export async function readLosses(): Promise<z.infer<typeof schema>> {
  const text = await Deno.readTextFile(new URL("losses.json", import.meta.url));
  return schema.parse(JSON.parse(text));
}

const schedules = z.object({
  learning_rate: z.number(),
  cases: z.array(z.object({
    shape: z.enum(["cosine", "constant"]),
    warmup: z.number(),
    steps: z.number(),
    rates: numbers,
  })),
});

/** What `make_schedule.py` wrote. */
export async function readSchedules(): Promise<z.infer<typeof schedules>> {
  const text = await Deno.readTextFile(new URL("schedule.json", import.meta.url));
  return schedules.parse(JSON.parse(text));
}
