import { z } from "zod";

const values = z.record(z.string(), z.array(z.number()));
const schema = z.object({
  betas: z.tuple([z.number(), z.number()]),
  eps: z.number(),
  shapes: z.record(z.string(), z.array(z.number())),
  start: values,
  gradients: z.array(values),
  cases: z.array(z.object({
    rate: z.number(),
    adamw_rate: z.number(),
    weight_decay: z.number(),
    clip_norm: z.number(),
    norms: z.array(z.number()),
    after: values,
    after_in_bfloat16: values,
  })),
});

/** What `make_muon.py` wrote. */
export async function readMuon(): Promise<z.infer<typeof schema>> {
  const text = await Deno.readTextFile(new URL("muon.json", import.meta.url));
  return schema.parse(JSON.parse(text));
}
