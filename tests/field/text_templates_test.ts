/** Chat templates from public reports; see README.md. The texts are Jinja2's. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { ChatTemplate, type Turn } from "../../lib/text/mod.ts";

const render = (source: string, turns: readonly Turn[]): string =>
  new ChatTemplate(source, { eosToken: "</s>" }).render(turns);
const user = (content: string): Turn => ({ role: "user", content });
const assistant = (content: string): Turn => ({ role: "assistant", content });

describe("a chat template of the field", () => {
  it("forgets at each turn what an earlier turn set (minijinja#910)", () => {
    const source = "{%- for m in messages %}{%- if m.role == 'assistant' %}" +
      "{%- if '</think>' in m.content %}" +
      "{%- set thought = m.content.split('</think>')[0].split('<think>')[-1] %}{%- endif %}" +
      "<a>{%- if thought is defined %}<t>{{ thought }}</t>{%- endif %}" +
      "{{ m.content.split('</think>')[-1] }}{%- endif %}{%- endfor %}";
    const turns = [user("q"), assistant("<think>hm</think>one"), user("q"), assistant("two")];
    assert.equal(render(source, turns), "<a><t>hm</t>one<a>two");
  });

  it("writes None and True as Python does (minijinja#911)", () => {
    const source =
      "{{ tools }} {{ messages[0].role == 'user' }} {{ 'a' ~ none }} {{ [true, none] }}";
    assert.equal(render(source, [user("q")]), "None True aNone [True, None]");
  });

  it("strips a set of characters, each on its own (swift-jinja#64)", () => {
    const source =
      "{{ 'xy</answer>'.strip('</answer>') }}|{{ messages[0].content.lstrip('\\n') }}|" +
      "{{ '  a'.lstrip('b') }}";
    assert.equal(render(source, [user("\n\n  q")]), "xy|  q|  a");
  });

  it("gives a generation block back as it is, its names with it (minijinja#815)", () => {
    const source = "{%- for m in messages %}\n  {%- if m.role == 'assistant' %}\n" +
      "    {% generation %}\n      {%- set end = eos_token %}\n      {{- m.content + end -}}\n" +
      "    {% endgeneration %}\n  {%- endif %}\n{%- endfor %}{{ end }}";
    assert.equal(render(source, [user("q"), assistant("a")]), "a</s>");
  });
});
