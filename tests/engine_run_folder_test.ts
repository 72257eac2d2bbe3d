/** What `lib/engine/python/run_folder.py` makes of a stage's folder, right and wrong; no package is needed for it. */
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { newFolder } from "./temporary_files.ts";
import { LESSONS } from "./tiny_stages.ts";
import { tinyConfig } from "./tiny.ts";
import { TRAINER } from "./trainer_python.ts";
import { type Lesson, writeStage } from "./trainer_stages.ts";

const SCRIPT = new URL("./reference/read_stages.py", import.meta.url).pathname;

interface Read {
  readonly fault?: string;
  readonly step?: number | null;
  readonly stopped?: true;
  readonly checkpoint?: string | null;
  readonly microBatches?: number;
  readonly rows?: Record<string, unknown>[][];
}

/** A change of a batch's lines. */
type Change = (lines: string[]) => string[];

/** A stage: what it learns, what is changed, and what is said of it. */
interface Case {
  readonly name: string;
  readonly lesson?: Lesson;
  readonly settings?: Record<string, unknown>;
  /** Changes the first round's lines. */
  readonly lines?: Change;
  /** Does something to the folder. */
  readonly breaks?: (folder: string) => Promise<void>;
  readonly fault: RegExp;
  readonly step?: number;
}

/** Changes a field of a line's row. */
const put = (line: number, fields: Record<string, unknown>): Change => (lines) =>
  lines.map((text, i) =>
    i === line - 1 ? JSON.stringify({ ...JSON.parse(text), ...fields }) : text
  );
const JSFT = LESSONS.JSFT;

const CASES: readonly Case[] = [
  {
    name: "a torn line",
    lines: (l) => [...l.slice(0, 7), l[7].slice(0, -9)],
    fault: /000001\/batch\.jsonl, line 8: it is not JSON/,
  },
  { name: "an empty line", lines: (l) => ["", ...l], fault: /line 1: it is not JSON/ },
  { name: "a line without its step", lines: put(3, { step: null }), fault: /line 3: field "step"/ },
  {
    name: "a step of another round",
    lines: put(3, { step: 3 }),
    fault: /line 3: step 3 is not of round 1/,
    step: 3,
  },
  {
    name: "a step without rows",
    lines: (l) => l.slice(0, 4),
    fault: /batch\.jsonl: no rows for step 2/,
    step: 2,
  },
  {
    name: "a batch that is not full",
    settings: { workers: 3 },
    fault: /4 pairs for step 1, .* multiple of 3 \(processes x train\.microBatch\)/,
    step: 1,
  },
  {
    name: "a batch of another size",
    lines: (l) => l.slice(0, 6),
    fault: /2 pairs for step 2, and 4 for the steps before/,
    step: 2,
  },
  {
    name: "a token of another model",
    lines: put(2, { chosen_ids: [5, 99999] }),
    fault: /line 2: field "chosen_ids" has the token id 99999/,
    step: 1,
  },
  {
    name: "a token below 0",
    lines: put(2, { rejected_ids: [-1] }),
    fault: /line 2: field "rejected_ids" has the token id -1/,
  },
  {
    name: "an answer without tokens",
    lines: put(2, { rejected_ids: [] }),
    fault: /line 2: field "rejected_ids" has to be a list/,
  },
  {
    name: "tokens that are no numbers",
    lines: put(2, { prompt_ids: [true] }),
    fault: /line 2: field "prompt_ids" has to be a list/,
  },
  {
    name: "a missing field",
    lines: put(2, { prompt_ids: undefined }),
    fault: /line 2: field "prompt_ids" has to be a list/,
  },
  {
    name: "odd log-probabilities",
    lines: put(2, { sampled_logps: [1] }),
    fault: /line 2: field "sampled_logps" has to be two numbers/,
  },
  {
    name: "a label that is no probability",
    lines: put(2, { label: 1.5 }),
    fault: /line 2: field "label" has to be a number from 0 to 1/,
    step: 1,
  },
  {
    name: "a soft label of a loss that has none",
    lesson: LESSONS.hinge,
    lines: put(2, { label: 0.5 }),
    fault: /line 2: field "label" is 0\.5, and the loss hinge has no soft labels/,
    step: 1,
  },
  {
    name: "labels of another length",
    lesson: JSFT,
    lines: put(1, { labels: [-100] }),
    fault: /line 1: field "labels" has to be as long/,
  },
  {
    name: "a label that is another token",
    lesson: JSFT,
    lines: put(1, { input_ids: [1, 2, 3], labels: [-100, 3, 3] }),
    fault: /line 1: a label is neither -100 nor/,
  },
  {
    name: "a first token to be learned",
    lesson: JSFT,
    lines: put(1, { input_ids: [1, 2], labels: [1, 2] }),
    fault: /line 1: the first token cannot be learned/,
  },
  // TRL's divides by the lengths of the answers, this project's does not.
  {
    name: "a loss that TRL has otherwise",
    settings: { loss: "ipo" },
    fault: /train\.json: field "loss" has to be one of sigmoid, hinge/,
  },
  {
    name: "a loss of SFT",
    lesson: JSFT,
    settings: { loss: "hinge" },
    fault: /field "loss" is not known/,
  },
  {
    name: "an unknown field",
    settings: { newer: 1 },
    fault: /field "newer" is not known: the trainer may be older/,
  },
  { name: "a missing setting", settings: { seed: undefined }, fault: /field "seed" is missing/ },
  {
    name: "another format",
    settings: { format: 2 },
    fault: /field "format" has to be 1: .* different versions/,
  },
  {
    name: "too few learning rates",
    settings: { rates: [1] },
    fault: /field "rates" has 1 learning rates for 4 steps/,
  },
  {
    name: "another folder",
    settings: { folder: "/tmp" },
    fault: /field "folder" is \/tmp, where the file is not/,
  },
  {
    name: "half a file of settings",
    breaks: (f) => Deno.writeTextFile(`${f}/train.json`, "{"),
    fault: /train\.json cannot be read/,
  },
];

describe("the folder of a stage", () => {
  const read: Read[] = [];
  const folders: string[] = [];
  const make = async (lesson: Lesson, { settings, lines, breaks }: Partial<Case> = {}) => {
    const folder = await newFolder();
    await writeStage({ folder, ...{ model: "/model", start: "/start", lesson, settings } });
    const batch = `${folder}/rounds/000001/batch.jsonl`;
    const old = (await Deno.readTextFile(batch)).trimEnd().split("\n");
    if (lines) await Deno.writeTextFile(batch, lines(old).join("\n"));
    await breaks?.(folder);
    folders.push(folder);
  };
  before(async () => {
    for (const one of CASES) await make(one.lesson ?? LESSONS.sigmoid, one);
    await make(LESSONS.sigmoid, { settings: { microBatch: 2 } });
    await make(JSFT, { settings: { workers: 2 } });
    await make(LESSONS.sigmoid, { breaks: (f) => Deno.writeTextFile(`${f}/stop`, "") });
    await make(LESSONS.sigmoid, {
      breaks: async (f) => {
        for (
          const [step, text] of [[2, '{"global_step": 2}'], [10, '{"global_step": 10}'], [12, "{"]]
        ) {
          await Deno.mkdir(`${f}/checkpoints/checkpoint-${step}`, { recursive: true });
          await Deno.writeTextFile(
            `${f}/checkpoints/checkpoint-${step}/trainer_state.json`,
            `${text}`,
          );
        }
        await Deno.mkdir(`${f}/checkpoints/checkpoint-14`);
        await Deno.writeTextFile(`${f}/trainer.jsonl`, '{"step": 1}\n{"ste');
      },
    });
    // Nobody makes rounds; the stage of another beginning; the own one.
    const alive = (stage: string) => (f: string) =>
      Deno.writeTextFile(`${f}/alive.json`, JSON.stringify({ stage, beat: "1" }));
    await make(LESSONS.sigmoid, {
      settings: { idleSeconds: 1 },
      breaks: (f) => Deno.remove(`${f}/rounds`, { recursive: true }),
    });
    await make(LESSONS.sigmoid, { breaks: alive("begun anew") });
    await make(LESSONS.sigmoid, { breaks: alive("tiny stage") });
    const { stdout, stderr } = await new Deno.Command("python3", {
      args: [
        SCRIPT,
        TRAINER,
        String(tinyConfig().vocabSize),
        ...folders.map((f) => `${f}/train.json`),
      ],
      env: { PYTHONDONTWRITEBYTECODE: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(text, new TextDecoder().decode(stderr));
    read.push(...JSON.parse(text.trimEnd().split("\n").at(-1)!)); // what is said on the way is before it
  });

  for (const [i, { name, fault, step }] of CASES.entries()) {
    it(`is refused for ${name}`, () => {
      assert.match(read[i].fault ?? "nothing was said", fault);
      if (step !== undefined) assert.equal(read[i].step, step);
    });
  }

  it("has rows of pairs, step by step over its rounds, and no more of them than is learned from", () => {
    const { rows, microBatches } = read[CASES.length];
    const expected = LESSONS.sigmoid.steps.map((pairs) =>
      pairs.map(({ prompt, chosen, rejected }) => ({
        ...{ prompt_ids: prompt, chosen_ids: chosen, rejected_ids: rejected },
        ...{ label: 1, sampled: true },
      }))
    );
    assert.deepEqual(rows, expected);
    assert.equal(microBatches, 2);
  });

  it("has rows of examples, as many micro-batches as its largest step needs", () => {
    const { rows, microBatches } = read[CASES.length + 1];
    assert.deepEqual(rows?.map(({ length }) => length), [5, 3]);
    const { ids, from } = JSFT.steps[0][0];
    assert.deepEqual(rows?.[0][0], {
      input_ids: ids,
      labels: ids.map((id, at) => at < from ? -100 : id),
    });
    assert.equal(microBatches, 3); // five rows on two processes
  });

  it("is left alone when it is to stop", () => {
    assert.deepEqual(read[CASES.length + 2], { stopped: true });
  });

  it("goes on from the last whole checkpoint, with a log of whole lines", async () => {
    const folder = folders[CASES.length + 3];
    assert.equal(read[CASES.length + 3].checkpoint, `${folder}/checkpoints/checkpoint-10`);
    assert.equal(await Deno.readTextFile(`${folder}/trainer.jsonl`), '{"step": 1}\n');
  });

  it("is left where nobody makes rounds any more, or the stage was begun anew in its place", () => {
    const [idle, anew, own] = read.slice(CASES.length + 4);
    assert.deepEqual([idle, anew], [{ stopped: true }, { stopped: true }]);
    assert.equal(own.rows?.length, LESSONS.sigmoid.steps.length);
  });
});
