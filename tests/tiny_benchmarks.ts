/** The tiny model with an adapter, and benchmarks in the words of its language. */
import { saveAdapter } from "../lib/model/mod.ts";
import { jsonLines } from "./temporary_files.ts";
import { tinyWithAdapter } from "./tiny_method.ts";
import { tinyRunFolder } from "./tiny_run.ts";

/** MT-Bench: nine questions of two turns in three categories. */
export const QUESTIONS = Array.from({ length: 9 }, (_, i) => ({
  question_id: 81 + i,
  category: ["writing", "math", "stem"][i % 3],
  turns: ["Name apple and pear, please.", "Name plum and fig, please."],
}));

/** Writes {@linkcode QUESTIONS} and references of the mathematical ones but the first into a folder of benchmarks. */
export async function writeMtBench(data: string): Promise<void> {
  await Deno.mkdir(`${data}/mt-bench`, { recursive: true });
  await Deno.writeTextFile(`${data}/mt-bench/question.jsonl`, jsonLines(QUESTIONS));
  const references = QUESTIONS.filter(({ category }) => category === "math").slice(1)
    .map(({ question_id }) => ({
      question_id,
      choices: [{ index: 0, turns: ["Sure, apple and pear.", "Yes, plum and fig."] }],
    }));
  await Deno.writeTextFile(
    `${data}/mt-bench/reference-answer-gpt-4.jsonl`,
    jsonLines(references),
  );
}

/** {@linkcode tinyRunFolder} with an adapter that moves the model, and benchmarks in `data`. */
export async function tinyBenchmarks(): Promise<string> {
  const folder = await tinyRunFolder();
  await writeMtBench(`${folder}/data`);
  const baseline = ["apple", "pear", "plum", "fig"].map((fruit, i) => ({
    dataset: i < 2 ? "koala" : "oasst",
    instruction: `Name ${fruit}, please.`,
    output: `Sure, ${fruit} and ${fruit}.`,
    generator: "gpt4_1106_preview",
  }));
  await Deno.mkdir(`${folder}/data/alpaca-eval`);
  await Deno.writeTextFile(
    `${folder}/data/alpaca-eval/alpaca_eval_gpt4_baseline.json`,
    JSON.stringify(baseline),
  );

  // Words that no question here has become the ten grades.
  const tokenizer = `${folder}/model/tokenizer.json`;
  let json = await Deno.readTextFile(tokenizer);
  "lime grape mango melon Gladly Fine Never No Bah Why".split(" ")
    .forEach((word, i) => json = json.replace(`"${word}":`, `"${i + 1}":`));
  await Deno.writeTextFile(tokenizer, json);

  const model = tinyWithAdapter({ moved: true });
  await saveAdapter(model.adapter!, `${folder}/adapter`, { baseModel: "tiny" });
  model.dispose();
  return folder;
}
