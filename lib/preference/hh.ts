import { z } from "zod";
import { parseDialogue } from "./dialogue_text.ts";
import type { Found, FoundRow } from "./found.ts";
import { readLines, stem } from "./lines.ts";
import { splitDialogues } from "./pair.ts";
import { parseJson, parseRecord } from "./record.ts";

const Dialogues = z.object({ chosen: z.string(), rejected: z.string() });

/**
 * Pairs of Anthropic's HH-RLHF files: a line holds two whole dialogues, `chosen` and `rejected`,
 * written as `"\n\nHuman: ...\n\nAssistant: ..."`.
 *
 * The turns that both dialogues share are the prompt, the assistant turn in which each then ends is
 * its response. What is done about the oddities of the data, and how many of the 2,312 lines of
 * harmless-base/test have them (a test holds the counts):
 *
 * | oddity | lines | choice |
 * |---|---|---|
 * | two turns of one role in a row | 9 | joined by a blank line: the same speaker continues |
 * | of these, dialogues that part before the last turn as written | 5 | all 5 end well once joined |
 * | dialogues that part earlier even when joined | 0 | refused, see {@linkcode splitDialogues} |
 * | an empty chosen response | 4 | refused |
 * | equal responses, nothing shared, a dialogue that ends with the human | 0 | refused |
 * | "Human:" or "Assistant:" inside a turn | 49 | left as text: only after a blank line is it a marker |
 * | a prompt that an earlier line has too | 2 | kept: a split by prompt keeps them together |
 *
 * Blanks around a turn's text belong to the format and are dropped.
 *
 * Source: Bai et al. 2022, https://github.com/anthropics/hh-rlhf
 */
export async function* readHh(path: string): AsyncGenerator<FoundRow> {
  for await (const row of readLines(path)) {
    if ("reason" in row) yield row;
    else if (row.value.trim() !== "") {
      yield { line: row.line, ...hhPair(row.value, path, row.line) };
    }
  }
}

function hhPair(text: string, path: string, line: number): Found {
  const json = parseJson(text);
  if ("reason" in json) return json;
  const record = parseRecord(Dialogues, json.value);
  if ("reason" in record) return record;
  const chosen = parseDialogue(record.value.chosen);
  const rejected = parseDialogue(record.value.rejected);
  if (chosen === undefined || rejected === undefined) {
    const name = chosen === undefined ? "chosen" : "rejected";
    return {
      reason: `the ${name} dialogue does not begin with "\\n\\nHuman:" or "\\n\\nAssistant:"`,
    };
  }
  const parts = splitDialogues(chosen, rejected);
  if ("reason" in parts) return parts;
  return { records: [{ id: `${stem(path)}:${line}`, ...parts, source: "hh-rlhf" }] };
}
