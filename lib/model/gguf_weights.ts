import { UserError } from "../base/error.ts";
import { FAMILIES, type Family, familyOfGguf } from "./families.ts";
import type { GgufFile } from "./gguf.ts";
import { modulePath } from "./linear_modules.ts";
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
 * The Hugging Face name of a tensor of a GGUF file: "blk.3.attn_q.weight" is
 * "model.layers.3.self_attn.q_proj.weight".
 *
 * @returns undefined for a name that no model of the {@linkcode FAMILIES} has.
 */
export function ggufToHfName(name: string): string | undefined {
  const [, outer, layer, inner, kind] =
    /^(?:(token_embd|output_norm|output)|blk\.(\d+)\.(\w+))\.(weight|bias)$/.exec(name) ?? [];
  if (outer) return `${outerNames[outer]}.${kind}`;
  const hf = Object.hasOwn(layerNames, inner ?? "") ? layerNames[inner] : undefined;
  return hf && `model.layers.${layer}.${hf}.${kind}`;
}

/** The inverse of {@linkcode ggufToHfName}. @throws RangeError for a name that no such model has */
export function hfToGgufName(name: string): string {
  const [, layer, inner, kind] =
    /^(?:model\.layers\.(\d+)\.)?(\w+(?:\.\w+)*)\.(weight|bias)$/.exec(name) ?? [];
  const names = layer === undefined ? outerNames : layerNames;
  const found = Object.entries(names).find(([, hf]) => hf === inner)?.[0];
  if (found === undefined) throw new RangeError(`"${name}" is no weight of a dense decoder`);
  return layer === undefined ? `${found}.${kind}` : `blk.${layer}.${found}.${kind}`;
}

/** The Hugging Face name of every weight of the file, in the file's order, with its name there. */
function tensorNames(file: GgufFile): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of file.tensors.keys()) {
    // Part of the config, and tables that can be computed: not weights.
    if (name === "rope_freqs.weight" || /^blk\.\d+\.attn_rot_embd$/.test(name)) continue;
    const hf = ggufToHfName(name);
    if (!hf) {
      throw new UserError(
        `${file.path}: tensor "${name}" does not belong to a dense decoder, and nothing here reads it`,
        "choose a GGUF file of a plain text model without experts, adapters or norms of its own",
      );
    }
    names.set(hf, name);
  }
  return names;
}

/** A bias of a linear layer, by the group of layers that have one together in `transformers`. */
const BIAS = /^blk\.\d+\.(?:(attn)_(?:q|k|v|output)|(ffn)_(?:gate|up|down))\.bias$/;

/** Which groups of linear layers have a bias, among the names of a GGUF file's tensors. */
export function biasedGroups(names: Iterable<string>): Set<"attn" | "ffn"> {
  const groups = new Set<"attn" | "ffn">();
  for (const name of names) {
    const [, attn, ffn] = BIAS.exec(name) ?? [];
    if (attn ?? ffn) groups.add(attn ? "attn" : "ffn");
  }
  return groups;
}

/**
 * Biases that no layer of the file has, though others of their group are there: llama.cpp computes those that it
 * finds, `transformers` has a group whole or not at all, and zeros are the same as none.
 *
 * @returns their Hugging Face names, with the layer's weight
 */
function zeroBiases(file: GgufFile, family: Family, layers: number): Map<string, string> {
  const groups = biasedGroups(file.tensors.keys());
  const asked = { attention_bias: groups.has("attn"), mlp_bias: groups.has("ffn") };
  const always = family.biases({ attention_bias: false, mlp_bias: false });
  const zeros = new Map<string, string>();
  for (const module of family.biases(asked)) {
    const places = Array.from({ length: layers }, (_, layer) => modulePath(layer, module));
    const found = places.some((path) => file.tensors.has(hfToGgufName(`${path}.bias`)));
    if (found || always.includes(module)) continue;
    for (const path of places) zeros.set(`${path}.bias`, `${path}.weight`);
  }
  return zeros;
}

/**
 * The weights of a GGUF file under their Hugging Face names and in Hugging Face's layout: where llama.cpp's
 * converter reordered the rows of the query and key projections, that is undone.
 *
 * @throws UserError when the architecture is another one or a tensor is of no known layer.
 */
export function ggufWeights(file: GgufFile): WeightSource {
  const architecture = file.metadata.get("general.architecture");
  const family: Family = FAMILIES[familyOfGguf(architecture, file.path)];
  const names = tensorNames(file);
  const tensor = (name: string) => {
    const found = file.tensors.get(names.get(name) ?? "");
    if (found) return found;
    throw new UserError(`${file.path} has no tensor for "${name}"`, "choose a complete model file");
  };
  const heads = Number(file.metadata.get(`${architecture}.attention.head_count`));
  const kvHeads = Number(file.metadata.get(`${architecture}.attention.head_count_kv`) ?? heads);
  const layers = Number(file.metadata.get(`${architecture}.block_count`));
  const zeros = zeroBiases(file, family, layers);
  /** (out) of a bias of zeros. */
  const zeroShape = (name: string) => tensor(zeros.get(name)!).shape.slice(0, 1);
  return {
    names: [...names.keys(), ...zeros.keys()],
    shape: (name) => zeros.has(name) ? zeroShape(name) : tensor(name).shape,
    async read(name) {
      if (zeros.has(name)) return new Float32Array(zeroShape(name)[0]);
      const { name: inFile, shape } = tensor(name);
      const data = await file.read(inFile);
      const [, kind] = /\.attn_([qk])\./.exec(inFile) ?? [];
      return family.gguf?.permuted && kind
        ? halfSplitRows(data, { rows: shape[0], heads: kind === "q" ? heads : kvHeads })
        : data;
    },
    close: () => file.close(),
  };
}

/** Moves row 2i + s of each head to i + s * headDim/2. */
function halfSplitRows(data: Float32Array, shape: HeadRows): Float32Array {
  return movedRows(data, shape, ({ from, to }) => [from, to]);
}

/** Moves row i + s * headDim/2 of each head to 2i + s: what {@linkcode ggufWeights} undoes. */
export function interleavedRows(data: Float32Array, shape: HeadRows): Float32Array {
  return movedRows(data, shape, ({ from, to }) => [to, from]);
}

/** Rows of a projection to heads. */
interface HeadRows {
  readonly rows: number;
  readonly heads: number;
}

/** Moves each row; `from` is a row where neighbours are rotated together, `to` the same one where halves are. */
function movedRows(
  data: Float32Array,
  { rows, heads }: HeadRows,
  move: (places: { from: number; to: number }) => [from: number, to: number],
): Float32Array {
  const out = new Float32Array(data.length);
  const width = data.length / rows;
  const headDim = rows / heads;
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const half = row - within + (within >> 1) + (within & 1) * headDim / 2;
    const [from, to] = move({ from: row, to: half });
    out.set(data.subarray(from * width, (from + 1) * width), to * width);
  }
  return out;
}
