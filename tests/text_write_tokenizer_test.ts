import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  openTokenizer,
  TextTokenizer,
  tokenizerFromGguf,
  writeTokenizer,
} from "../lib/text/mod.ts";
import { readFixture } from "./reference/fixture.ts";
import { file, folder, newFolder, tree } from "./temporary_files.ts";

const { toys } = await readFixture("text.json");
const toy = () => tokenizerFromGguf(new Map(Object.entries(toys[3].metadata)), "toy.gguf");
const json = async (path: string) => JSON.parse(await Deno.readTextFile(path));

describe("a tokenizer written to a folder", () => {
  it("comes back the same, of a GGUF file as one that other programs start with its start token", async () => {
    const at = await newFolder();
    await writeTokenizer(toy(), at, { from: "toy.gguf" });
    assert.deepEqual(tree(at), ["tokenizer.json", "tokenizer_config.json"]);
    const read = await openTokenizer(at);
    for (const { text, ids } of toys[3].texts) assert.deepEqual(read.encode(text), ids, text);
    assert.deepEqual([read.bosToken, read.eosToken, read.padToken], ["<s>", "</s>", "</s>"]);
    const { post_processor } = await json(`${at}/tokenizer.json`);
    assert.deepEqual(post_processor.single[0], { SpecialToken: { id: "<s>", type_id: 0 } });
    const { tokenizer_class } = await json(`${at}/tokenizer_config.json`);
    assert.equal(tokenizer_class, "PreTrainedTokenizerFast");
  });

  it("of a model's folder has the files of that folder, with the template in use", async () => {
    const source = await newFolder();
    const name = source.slice(folder.path.length + 1);
    await writeTokenizer(toy(), source);
    const before = await Deno.readTextFile(`${source}/tokenizer.json`);
    await file(`${name}/merges.txt`, "#version: 0.2\n");
    await file(`${name}/chat_template.jinja`, "from the file");
    await file(`${name}/weights.bin`, "not a tokenizer's");
    await Deno.writeTextFile(
      `${source}/tokenizer_config.json`,
      '{"tokenizer_class":"LlamaTokenizer","eos_token":{"content":"</s>"},"bos_token":"<s>",' +
        '"model_max_length":1000000000000000019884624838656,"legacy":false,' +
        '"chat_template":[{"name":"default","template":"old"},{"name":"tool_use","template":"tools"}]}',
    );
    const at = await newFolder();
    await writeTokenizer(await openTokenizer(source), at, { from: source });
    assert.deepEqual(tree(at), ["merges.txt", "tokenizer.json", "tokenizer_config.json"]);
    assert.equal(await Deno.readTextFile(`${at}/tokenizer.json`), before);
    assert.deepEqual(await json(`${at}/tokenizer_config.json`), {
      tokenizer_class: "LlamaTokenizer",
      eos_token: { content: "</s>" },
      bos_token: "<s>",
      legacy: false,
      chat_template: [
        { name: "default", template: "from the file" },
        { name: "tool_use", template: "tools" },
      ],
    });
    assert.equal((await openTokenizer(at)).chatTemplate, "from the file");
  });

  it("keeps a limit of length, and has the class that any tokenizer.json fits where none is named", async () => {
    const source = await newFolder();
    await writeTokenizer(toy(), source);
    await Deno.writeTextFile(
      `${source}/tokenizer_config.json`,
      '{"eos_token":"</s>","model_max_length":2048}',
    );
    const at = await newFolder();
    await writeTokenizer(
      (await openTokenizer(source)).with({ chatTemplate: "{{ messages }}" }),
      at,
      { from: source },
    );
    assert.deepEqual(await json(`${at}/tokenizer_config.json`), {
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: "</s>",
      model_max_length: 2048,
      chat_template: "{{ messages }}",
    });
    assert.ok(await TextTokenizer.fromFile(`${at}/tokenizer.json`));
  });
});
