import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { z } from "zod";
import { strftime } from "../lib/text/jinja/strftime.ts";
import { ChatTemplate, TemplateRefusal, type Turn } from "../lib/text/mod.ts";
import { refusesAtOnce } from "./refusals.ts";

const fixture = z.object({
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content: z.string() })),
  rows: z.array(z.tuple([z.string(), z.string().nullable()])),
  dates: z.array(z.object({ date: z.array(z.number()), format: z.string(), text: z.string() })),
}).parse(JSON.parse(
  await Deno.readTextFile(new URL("reference/jinja.json", import.meta.url)),
));

/** The text, or the error's message. */
function rendered(source: string): { text: string } | { error: Error } {
  try {
    return { text: new ChatTemplate(source, { eosToken: "</s>" }).render(fixture.messages) };
  } catch (error) {
    return { error: error as Error };
  }
}

describe("a chat template in Jinja", () => {
  it("renders as Jinja2 does, or names what it does not render", () => {
    const unsupported = new Set<string>();
    const seen = { rendered: 0, refused: 0 };
    for (const [source, expected] of fixture.rows) {
      const ours = rendered(source);
      if (expected !== null && "error" in ours) {
        const named = /uses what is not rendered here: (.*)\n/.exec(ours.error.message)?.[1];
        assert.ok(named, `${source}: ${ours.error.message}`);
        unsupported.add(named);
      } else if (expected !== null && "text" in ours) {
        assert.equal(ours.text, expected, source);
        seen.rendered++;
      } else {
        assert.ok("error" in ours, `${source}: Jinja2 refuses it`);
        assert.equal(ours.error.name.replace("TemplateRefusal", "UserError"), "UserError", source);
        seen.refused++;
      }
    }
    assert.deepEqual([...unsupported].sort(), [
      "a recursive loop",
      "a tuple that is empty or ends in a comma",
      "comparisons in a chain, such as a < b < c",
      "integers beyond 2**53",
      "round to a precision",
      "str.encode",
      "str.swapcase",
      "the filter e",
      "the filter groupby",
      "the filter urlize",
      "the format %5s",
      "the function cycler",
      "the function lipsum",
      "the number 1e-7",
      "the number in text that is not ASCII",
      "the tag {% autoescape %}",
      "the tag {% block %}",
      "the tag {% with %}",
      "the text of a Namespace",
      "the text of a function",
      "the text of a generator",
    ]);
    assert.ok(seen.rendered > 1200 && seen.refused > 600, JSON.stringify(seen));
  });

  it("is given what transformers gives it: null for tools and documents, no token that there is none of", () => {
    const source = "{{ tools is none }}{{ documents is none }}{{ bos_token is defined }}" +
      "{{ eos_token }}{{ pad_token is defined }}{{ messages[0] }}";
    assert.equal(
      new ChatTemplate(source, { eosToken: "</s>", bosToken: null }).render([
        { role: "user", content: "it's" },
      ]),
      `TrueTrueFalse</s>False{'role': 'user', 'content': "it's"}`,
    );
    // What a caller's turns carry beside is no part of a dialogue.
    const more = { role: "user", content: "x", thinking: "y" } as const;
    const turns: readonly Turn[] = [more];
    assert.equal(new ChatTemplate("{{ messages[0]|length }}", {}).render(turns), "2");
  });

  it("has dates in English, as Python writes them", () => {
    for (const { date: [year, month, day, hour, minute, second], format, text } of fixture.dates) {
      const date = new Date(year, month - 1, day, hour, minute, second);
      assert.equal(strftime(date, format), text, format);
    }
    const today = new ChatTemplate("{{ strftime_now('%Y') }}", {}).render(fixture.messages);
    assert.equal(today, String(new Date().getFullYear()));
    const dated = "{{ strftime_now('%d %b %Y') if strftime_now is defined }}";
    const fixed = ChatTemplate.of({ chatTemplate: dated }, { now: new Date(2026, 10, 30, 23, 59) });
    assert.equal(fixed.render(fixture.messages), "30 Nov 2026");
  });

  it("that cannot be read is told from one that refuses the turns and from what is not rendered here", () => {
    const open = [
      ["{% if true %}", /cannot be read: a block or a bracket is not closed/],
      ["{{ 'a }}", /cannot be read: unexpected char/],
      ["{{ f(1 }}", /cannot be read: unexpected '}'/],
      ["{# a", /cannot be read: Missing end of comment/],
      ["{% raw %}a", /cannot be read: Missing end of raw/],
      ["{% endif %}", /cannot be read: Unknown statement type: endif/],
      ["{% include 'a' %}", /not rendered here: the tag {% include %}/],
      ["{{ messages|groupby('role') }}", /not rendered here: the filter groupby/],
      ["{{ 1 < 2 < 3 }}", /not rendered here: comparisons in a chain/],
      ["{{ 'a'.encode() }}", /not rendered here: str\.encode/],
      ["{{ x + 1 }}", /refuses the turns \(user, assistant, user\): 'x' is undefined/],
      ["{{ messages[0].x.y }}", /'dict object' has no attribute 'x'/],
      ["{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", /refuses the turns.*call stack/],
    ] as const;
    for (const [source, message] of open) {
      const ours = rendered(source);
      assert.ok("error" in ours, source);
      assert.match(ours.error.message, message);
      assert.equal(
        ours.error instanceof TemplateRefusal,
        /refuses|no attribute/.test(message.source),
      );
    }
    refusesAtOnce(() => new ChatTemplate("{{ a b }}", {}), /cannot be read/);
  });
});
