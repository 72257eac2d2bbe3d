import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { z } from "zod";
import { TextTokenizer } from "../lib/text/mod.ts";
import { refusesAtOnce } from "./refusals.ts";

const fields = z.record(z.string(), z.unknown());
const fixture = z.object({
  models: z.record(z.string(), fields),
  kinds: z.array(z.object({
    name: z.string(),
    model: z.string(),
    change: fields,
    json: fields,
    rows: z.array(z.tuple([z.string(), z.array(z.number()), z.string(), z.string()])),
  })),
}).parse(JSON.parse(
  await Deno.readTextFile(new URL("reference/tokenizers.json", import.meta.url)),
));

type Kind = (typeof fixture.kinds)[number];

/** The tokenizer.json of a kind; a field that is changed to null stays out, as the model's type does. */
function jsonOf({ json, model, change }: Kind): Record<string, unknown> {
  const whole = Object.entries({ ...fixture.models[model], ...change });
  return { ...json, model: Object.fromEntries(whole.filter(([, value]) => value !== null)) };
}

const make = (kind: Kind, change: object = {}, model: object = {}) => {
  const json = jsonOf(kind);
  const other = { ...json, ...change, model: { ...json.model as object, ...model } };
  return TextTokenizer.fromJson(other, { eosToken: "</s>", file: "t.json" });
};

describe("a tokenizer.json", () => {
  for (const kind of fixture.kinds) {
    it(`is read as tokenizers reads it: ${kind.name}`, () => {
      const tokenizer = make(kind);
      assert.ok(kind.rows.length > 20);
      for (const [text, ids, decoded, plain] of kind.rows) {
        assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
        assert.equal(tokenizer.decode(ids), decoded, JSON.stringify(text));
        assert.equal(tokenizer.decode(ids, { skipSpecial: true }), plain, JSON.stringify(text));
      }
    });
  }

  it("with a setting of the model that is not read is refused by name", () => {
    const [gpt2] = fixture.kinds;
    refusesAtOnce(
      () => make(gpt2, {}, { dropout: 0.1 }),
      /^t\.json is not a usable tokenizer: model\.dropout is 0\.1/,
    );
    refusesAtOnce(
      () => make(gpt2, {}, { continuing_subword_prefix: "##" }),
      /model\.continuing_subword_prefix is "##"/,
    );
    refusesAtOnce(() => make(gpt2, {}, { type: "BPE", new_rule: 1 }), /model\.new_rule is 1/);
  });

  it("with a part that tokenizers does not know is refused by the part's name", () => {
    const [gpt2] = fixture.kinds;
    const members = (...types: string[]) => types.map((type) => ({ type }));
    const named: [object, RegExp][] = [
      [{ pre_tokenizer: { type: "Words" } }, /t\.json is not.*: its pre_tokenizer "Words": /],
      [
        { normalizer: { type: "Sequence", normalizers: members("NFC", "Fold") } },
        /normalizer "Fold"/,
      ],
      [{ decoder: { type: "Sequence", decoders: members("Fuse", "Join") } }, /its decoder "Join"/],
      [{ post_processor: { type: "Ends" } }, /post_processor "Ends".*\n.*tokenizers 0\.23 knows/],
      [
        { pre_tokenizer: { type: "Metaspace", replacement: "_", prepend_scheme: "often" } },
        /pre_tokenizer "Metaspace": unknown variant `often`/,
      ],
    ];
    for (const [change, message] of named) refusesAtOnce(() => make(gpt2, change), message);
    refusesAtOnce(
      () => make(gpt2, {}, { type: "BPE", merges: [["q", "zz"]] }),
      /usable tokenizer: Token `zz` out of vocabulary/,
    );
  });

  it("takes 120,000 characters of one word in under a second, whatever the model", () => {
    for (const name of ["llama 2", "unigram, bytes", "bert", "gpt2, prefix space"]) {
      const kind = fixture.kinds.find((other) => other.name === name)!;
      const tokenizer = make(kind, { pre_tokenizer: null });
      const text = "tokenization\u{1f642}thequickaaaaaaaaaaa".repeat(5000).slice(0, 120_000);
      const began = cpuUsage(); // of this process, whatever else the machine does
      const ids = tokenizer.encode(text);
      const taken = cpuUsage(began).user / 1e6;
      assert.ok(ids.length > 0);
      assert.ok(taken < 1, `${name}: ${taken.toFixed(2)} s`);
    }
  });
});
