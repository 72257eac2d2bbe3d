/**
 * Several low-rank updates of one model as one: W + s1 B1 A1 + s2 B2 A2 = W + s [c1 B1, c2 B2] [A1; A2] with
 * c = s1 / s and s2 / s. Ranks add up, and nothing is lost: the sum of two products is the product of the blocks.
 */
import type { ModelConfig } from "./config.ts";
import { LINEAR_MODULES, modulePath } from "./linear_modules.ts";
import { LoraAdapter, type LoraConfig, moduleShape } from "./lora.ts";

/** A part of a stack: what {@linkcode splitAdapter} needs to take it out again. */
export interface StackPart extends LoraConfig {
  /** The stage that trained it. */
  readonly name: string;
}

/** The update's scale. */
const scaleOf = ({ alpha, r }: LoraConfig): number => alpha / r;

/** The settings of parts in one stack: one rank and scale for every linear layer that any of them has. */
export function stackedConfig(parts: readonly LoraConfig[]): LoraConfig {
  const r = parts.reduce((sum, part) => sum + part.r, 0);
  const [scale] = parts.map(scaleOf);
  return {
    r,
    // One scale: B stays as it is. Several: they go into B, which is exact for powers of two.
    alpha: parts.every((part) => scaleOf(part) === scale) ? scale * r : r,
    dropout: parts.at(-1)!.dropout,
    targetModules: LINEAR_MODULES.filter((module) =>
      parts.some(({ targetModules }) => targetModules.includes(module))
    ),
  };
}

/**
 * Adapters that were trained one after the other, each on the weights with those before it folded in, as one adapter
 * of the weights before all of them. A layer that a part has no update for gets zeros there.
 *
 * @param model The config of the model that all of them fit.
 */
export async function stackAdapters(
  model: ModelConfig,
  parts: readonly LoraAdapter[],
): Promise<LoraAdapter> {
  const config = stackedConfig(parts.map((part) => part.config));
  const stored = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [path, [out, input]] of layersOf(model, config)) {
    const a = new Float32Array(config.r * input);
    const b = new Float32Array(out * config.r);
    let row = 0;
    for (const part of parts) {
      const update = await valuesOf(part, path);
      const { r } = part.config;
      const factor = scaleOf(part.config) / scaleOf(config);
      if (update) {
        a.set(update.a, row * input);
        for (let o = 0; o < out; o++) {
          for (let i = 0; i < r; i++) b[o * config.r + row + i] = update.b[o * r + i] * factor;
        }
      }
      row += r;
    }
    stored.set(`${path}.lora_A.weight`, { shape: [config.r, input], data: a });
    stored.set(`${path}.lora_B.weight`, { shape: [out, config.r], data: b });
  }
  return LoraAdapter.from(model, config, { file: "a stack", get: (name) => stored.get(name) });
}

/**
 * The parts of a stack again, in their order, each the caller's to free. Where scales were put into B, the values are
 * the nearest ones that 32 bits hold.
 */
export async function splitAdapter(
  model: ModelConfig,
  { stack, parts }: { stack: LoraAdapter; parts: readonly StackPart[] },
): Promise<LoraAdapter[]> {
  const split: LoraAdapter[] = [];
  let row = 0;
  for (const part of parts) {
    const { r } = part;
    const factor = scaleOf(part) / scaleOf(stack.config);
    const stored = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const [path, [out, input]] of layersOf(model, part)) {
      const whole = (await valuesOf(stack, path))!;
      const b = Float32Array.from(
        { length: out * r },
        (_, i) => whole.b[Math.floor(i / r) * stack.config.r + row + i % r] / factor,
      );
      const a = whole.a.slice(row * input, (row + r) * input);
      stored.set(`${path}.lora_A.weight`, { shape: [r, input], data: a });
      stored.set(`${path}.lora_B.weight`, { shape: [out, r], data: b });
    }
    const { name, ...config } = part;
    split.push(LoraAdapter.from(model, config, { file: name, get: (at) => stored.get(at) }));
    row += r;
  }
  return split;
}

/** Paths of the layers that settings name, with the shapes of their weights. */
function layersOf(
  model: ModelConfig,
  { targetModules }: Pick<LoraConfig, "targetModules">,
): [path: string, shape: [number, number]][] {
  return Array.from(
    { length: model.layers },
    (_, layer) =>
      targetModules.map((module): [string, [number, number]] => [
        modulePath(layer, module),
        moduleShape(model, module),
      ]),
  ).flat();
}

async function valuesOf(
  adapter: LoraAdapter,
  path: string,
): Promise<{ a: Float32Array; b: Float32Array } | null> {
  const update = adapter.update(path);
  if (!update) return null;
  const [a, b] = await Promise.all([update.a.data(), update.b.data()]) as Float32Array[];
  return { a, b };
}
