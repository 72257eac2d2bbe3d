import { describe, it } from "jsr:@std/testing@1/bdd";
import { chatTemplateSource, openTokenizer } from "../lib/text/mod.ts";
import { openGguf } from "../lib/model/gguf.ts";
import { openWeights, readConfig } from "../lib/model/weights.ts";
import { refuseLfsPointer } from "../lib/base/lfs.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const POINTER = `version https://git-lfs.github.com/spec/v1
oid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8
size 875191
`;

describe("a Git LFS pointer", () => {
  it("is refused with the size of the file it stands for", () => {
    const message =
      /a\.gz is a Git LFS pointer, not the file, which has 875191 bytes\n.*git lfs pull/;
    refusesAtOnce(() => refuseLfsPointer("a.gz", POINTER), message);
    refusesAtOnce(() => refuseLfsPointer("a.gz", new TextEncoder().encode(POINTER)), message);
    const extended = POINTER.replace("oid", "ext-0-foo sha256:00\noid");
    refusesAtOnce(() => refuseLfsPointer("a.gz", extended), message);
    refusesAtOnce(
      () => refuseLfsPointer("a", "# xet version 0\nfilesize = 12\nhash = 'x'\n"),
      /Git Xet pointer.* 12 bytes/,
    );
  });

  it("is not what else begins like one", () => {
    for (const text of ["", "version", "version https://example.org", ` ${POINTER}`, "{}"]) {
      refuseLfsPointer("a", text);
    }
  });

  it("is found in place of every file of a model", async () => {
    const config = { model_type: "llama" };
    const found = /(\S+) is a Git LFS pointer/;
    for (const name of ["model.safetensors", "model.safetensors.index.json"]) {
      const at = await file(`${name}.folder/${name}`, POINTER);
      await refuses(openWeights(`${folder.path}/${name}.folder`), found, at);
    }
    await refuses(openGguf(await file("m.gguf", POINTER)), found, "m.gguf");
    await file("c/config.json", POINTER);
    await refuses(readConfig(`${folder.path}/c`), found, "config.json");
    await refuses(chatTemplateSource(await file("chat.jinja", POINTER)), found, "chat.jinja");
    await file("t/config.json", config);
    const names = ["tokenizer_config.json", "chat_template.jinja", "tokenizer.json"];
    for (const [i, name] of names.entries()) {
      if (i > 0) await file("t/tokenizer_config.json", { eos_token: "a" });
      await file(`t/${name}`, POINTER);
      await refuses(openTokenizer(`${folder.path}/t`), found, name);
      await file(`t/${name}`, "{}");
    }
  });
});
