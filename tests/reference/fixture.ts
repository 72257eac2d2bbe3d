import { Buffer } from "node:buffer";
import { z } from "zod";

const row = z.object({ text: z.string(), ids: z.array(z.number()), decoded: z.string() });

const schemas = {
  "text.json": z.object({
    smollm: z.object({
      template: z.string(),
      texts: z.array(row.extend({ plain: z.string(), same_without_digits: z.boolean() })),
      chats: z.array(z.object({
        turns: z.array(z.object({
          role: z.enum(["system", "user", "assistant"]),
          content: z.string(),
        })),
        add_generation_prompt: z.boolean(),
        text: z.string(),
      })),
    }),
    toys: z.array(z.object({
      metadata: z.record(
        z.string(),
        z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()]))]),
      ),
      texts: z.array(row),
    })),
    word_level: z.object({ json: z.unknown(), texts: z.array(row) }),
  }),
  "weights.json": z.object({
    rope: z.array(z.object({
      name: z.string(),
      length: z.number().nullable(),
      config: z.unknown(),
      inv_freq: z.string(),
      attention_scale: z.number(),
    })),
    quants: z.array(
      z.object({ type: z.number(), name: z.string(), bytes: z.string(), values: z.string() }),
    ),
    tiny: z.object({
      file: z.string(),
      weights: z.record(z.string(), z.object({ shape: z.array(z.number()), values: z.string() })),
    }),
    safetensors: z.object({
      file: z.string(),
      source: z.string(),
      values: z.record(z.string(), z.string()),
    }),
  }),
};

/** What `make_text.py` wrote. */
export async function readFixture<N extends keyof typeof schemas>(
  name: N,
): Promise<z.infer<(typeof schemas)[N]>> {
  const text = await Deno.readTextFile(new URL(name, import.meta.url));
  return schemas[name].parse(JSON.parse(text)) as z.infer<(typeof schemas)[N]>;
}

/** Bytes of a base64 text, in a buffer of their own. */
export function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/** Little-endian 32-bit floats of a base64 text. */
export function floats(base64: string): Float32Array {
  return new Float32Array(bytes(base64).buffer);
}

/** The GGUF file that the large tests read; undefined, and a line that says so, where there is none. */
export function ggufFile(): string | undefined {
  const path = Deno.env.get("SELF_JUDGE_GGUF") ??
    ".engine/model/SmolLM2-135M-Instruct.Q4_1.gguf";
  try {
    if (Deno.statSync(path).isFile) return path;
  } catch { /* said below */ }
  console.log(
    `skipped: no model at ${path}; set SELF_JUDGE_GGUF to SmolLM2-135M-Instruct.Q4_1.gguf`,
  );
  return undefined;
}
