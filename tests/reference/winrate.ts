import { z } from "zod";

const schema = z.object({
  problems: z.array(z.object({
    name: z.string(),
    preference: z.array(z.number().nullable()),
    excess: z.array(z.number()),
    win_rate: z.number(),
    standard_error: z.number(),
    rate: z.number(),
    coefficients: z.array(z.number()),
    strength: z.number(),
    losses: z.array(z.number()),
    optimum: z.array(z.number()),
  })),
});

/** What `make_winrate.py` wrote. */
export async function readWinRates(): Promise<z.infer<typeof schema>["problems"]> {
  const text = await Deno.readTextFile(new URL("winrate.json", import.meta.url));
  return schema.parse(JSON.parse(text)).problems;
}
