import { UserError } from "../base/error.ts";
import type { GgufFile } from "./gguf.ts";
import type { WeightSource } from "./weight_source.ts";

/** Layer tensors: GGUF name after `blk.N.`, Hugging Face name after `model.layers.N.`. */
const layerNames: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

const outerNames: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};

/**
 * The Hugging Face name of a tensor of a LanguageModel GGUF file: "blk.3.attn_q.weight" is
 * "model.layers.3.self_attn.q_proj.weight".
 *
 * @returns undefined for a name that a plain Llama model does not have.
 */
export function ggufToHfName(name: string): string | undefined {
  const [, outer, layer, inner, kind] =
    /^(?:(token_embd|output_norm|output)|blk\.(\d+)\.(\w+))\.(weight|bias)$/.exec(name) ?? [];
  if (outer) return `${outerNames[outer]}.${kind}`;
  const hf = Object.hasOwn(layerNames, inner ?? "") ? layerNames[inner] : undefined;
  return hf && `model.layers.${layer}.${hf}.${kind}`;
}

/** The Hugging Face name of every weight of the file, in the file's order, with its name there. */
export function ggufTensorNames(file: Pick<GgufFile, "path" | "tensors">): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of file.tensors.keys()) {
    if (name === "rope_freqs.weight") continue; // part of the config, not a weight
    const hf = ggufToHfName(name);
    if (!hf) {
      throw new UserError(
        `${file.path}: tensor "${name}" does not belong to a plain Llama model`,
        "choose a GGUF file of a dense Llama model",
      );
    }
    names.set(hf, name);
  }
  return names;
}

/**
 * The weights of a LanguageModel GGUF file under their Hugging Face names and in Hugging Face's layout.
 *
 * llama.cpp rotates neighbouring dimensions (2i, 2i+1) of a head, `transformers` dimension i with
 * i + headDim/2; the converter therefore reorders the rows of the query and key projections, and
 * that is undone here.
 */
export function ggufWeights(file: GgufFile): WeightSource {
  const names = ggufTensorNames(file);
  const tensor = (name: string) => {
    const found = file.tensors.get(names.get(name) ?? "");
    if (found) return found;
    throw new UserError(`${file.path} has no tensor for "${name}"`, "choose a complete model file");
  };
  const heads = Number(file.metadata.get("llama.attention.head_count"));
  const kvHeads = Number(file.metadata.get("llama.attention.head_count_kv") ?? heads);
  return {
    names: [...names.keys()],
    shape: (name) => tensor(name).shape,
    async read(name) {
      const { name: inFile, shape } = tensor(name);
      const data = await file.read(inFile);
      const [, kind] = /\.attn_([qk])\./.exec(inFile) ?? [];
      return kind
        ? halfSplitRows(data, { rows: shape[0], heads: kind === "q" ? heads : kvHeads })
        : data;
    },
    close: () => file.close(),
  };
}

/** Moves row 2i + s of each head to i + s * headDim/2. */
function halfSplitRows(
  data: Float32Array,
  { rows, heads }: { rows: number; heads: number },
): Float32Array {
  const out = new Float32Array(data.length);
  const width = data.length / rows;
  const headDim = rows / heads;
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + (within >> 1) + (within & 1) * headDim / 2;
    out.set(data.subarray(row * width, (row + 1) * width), to * width);
  }
  return out;
}
