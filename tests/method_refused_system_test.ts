import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { JudgeTemplate, principlesNamed, withSystemTurn } from "../lib/method/mod.ts";
import { ChatTemplate, TemplateRefusal } from "../lib/text/mod.ts";
import { user, WordTokenizer } from "./judge_fakes.ts";

const REFUSES = "{{ raise_exception('System role not supported') }}";
const turns = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}" +
  "{% if add_generation_prompt %}<assistant>{% endif %}";
const chat = (refused: string) =>
  new ChatTemplate(`{% if ${refused} %}${REFUSES}{% endif %}${turns}`, {});

/** A judge's question, as it is asked under a chat template. */
function asked(template: ChatTemplate, system: string | null) {
  const said: string[] = [];
  const tokenizer = new WordTokenizer();
  const [principle] = principlesNamed(["overall"]);
  const made = withSystemTurn(
    system,
    (system) => new JudgeTemplate({ tokenizer, chat: template, principle, system }),
    (line) => said.push(line),
  );
  return { text: tokenizer.decode(made.prompt([user("Hi")], "one", "two")), said };
}

describe("withSystemTurn", () => {
  const gemma = chat("messages[0].role == 'system'");

  it("asks without the system turn where the template takes none, and says so once", () => {
    const { text, said } = asked(gemma, "You judge answers.");
    assert.doesNotMatch(text, /You judge/);
    assert.equal(text, asked(gemma, null).text);
    assert.equal(said.length, 1);
    assert.match(said[0], /\(System role not supported\).*judge\.system=null/);
  });

  it("keeps it where the template takes one", () => {
    const { text, said } = asked(chat("false"), "You judge answers.");
    assert.match(text, /You judge answers\./);
    assert.deepEqual(said, []);
    assert.deepEqual(asked(gemma, null).said, []);
  });

  it("passes on a refusal that the turn has nothing to do with", () => {
    assert.throws(() => asked(chat("true"), "You judge answers."), TemplateRefusal);
    assert.throws(() => asked(chat("true"), null), TemplateRefusal);
  });
});
