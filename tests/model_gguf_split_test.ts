import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import {
  type GgufContent,
  ggufContent,
  type GgufField,
  loadModel,
  openGguf,
  sequenceLogProbs,
  writeGguf,
} from "../lib/model/mod.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";

/** What stands in for the numbers of a part: its own number from 0, and how many there are. */
type Numbers = Partial<Record<"no" | "count" | "tensors", number>>;

let folder: string;
beforeEach(async () => {
  folder = await newFolder();
});
const part = (number: number, count = 3) => `${folder}/m-0000${number}-of-0000${count}.gguf`;

/** Writes the tiny model as three parts, as gguf-split does: the metadata in the first alone. */
async function split(change: (number: number) => Numbers = () => ({})): Promise<GgufContent> {
  const model = tinyModel();
  const content = ggufContent(model, { name: "m", dtype: "F32", vocabulary: new Map() });
  const tensors = [...content.tensors];
  for (const number of [1, 2, 3]) {
    const { no = number - 1, count = 3, tensors: total = tensors.length } = change(number);
    const numbers: [string, GgufField][] = [["no", no], ["count", count], ["tensors.count", total]]
      .map(([key, value]) => [`split.${key}`, { type: "uint32", value: Number(value) }]);
    await writeGguf(part(number), {
      ...content,
      metadata: new Map([...(number === 1 ? content.metadata : []), ...numbers]),
      tensors: new Map(tensors.filter((_, i) => i % 3 === number - 1)),
    });
  }
  model.dispose();
  return content;
}

describe("a model in several GGUF files", () => {
  it("is read whole from its folder and from any of its parts", async () => {
    await split();
    const whole = tinyModel();
    const sequences = [{ ids: [3, 4, 5, 6, 7], from: 1 }];
    for (const path of [folder, part(1), part(2), part(3)]) {
      const model = await loadModel(path);
      assert.equal(model.weights.size, whole.weights.size, path);
      assert.deepEqual(
        await sequenceLogProbs(model, sequences),
        await sequenceLogProbs(whole, sequences),
      );
      model.dispose();
    }
    whole.dispose();
  });

  it("without one of its parts is refused with the part's name", async () => {
    await split();
    await Deno.remove(part(2));
    for (const path of [folder, part(1), part(3)]) {
      await refuses(loadModel(path), `${part(2)}, part 2 of 3 of the model, is not there`);
    }
    await Deno.remove(part(1));
    await refuses(loadModel(folder), `${part(1)}, part 1 of 3 of the model, is not there`);
  });

  it("is refused where parts are not what their names say", async () => {
    const content = await split();
    await Deno.copyFile(part(3), `${folder}/other.gguf`);
    await refuses(
      openGguf(`${folder}/other.gguf`),
      "other.gguf is part 3 of 3 of a model, and its name does not say so",
      "call the parts NAME-00001-of-00003.gguf",
    );
    await refuses(loadModel(folder), "holds 4 GGUF files");
    await Deno.rename(`${folder}/other.gguf`, part(2));
    await refuses(openGguf(part(1)), `${part(2)} says that it is part 3 of 3`);
    await split((number) => number === 2 ? { count: 4 } : {});
    await refuses(openGguf(part(1)), `${part(2)} says that it is part 2 of 4`);
    await split(() => ({ tensors: 99 }));
    await refuses(
      openGguf(part(1)),
      `its parts have ${content.tensors.size} tensors, the model has 99`,
    );
    await split();
    const [[name, { shape }]] = content.tensors;
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    await writeGguf(part(2), {
      ...content,
      metadata: new Map([["no", 1], ["count", 3]].map(([key, value]): [string, GgufField] => [
        `split.${key}`,
        { type: "uint32", value: Number(value) },
      ])),
      tensors: new Map([[name, { shape, data }]]),
    });
    await refuses(openGguf(part(3)), `tensor "${name}" is in ${part(1)} and in ${part(2)}`);
  });
});
