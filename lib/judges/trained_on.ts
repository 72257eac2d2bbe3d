import { type Pair, promptKey } from "../preference/mod.ts";
import { readJsonl } from "../base/files.ts";

/**
 * The prompts (as `promptKey` gives them) that the runs among some judges were trained on.
 *
 * @param specs Judges as a command line names them, such as `run:runs/small-s7#jsft`.
 */
export async function trainedOn(specs: readonly string[]): Promise<Set<string>> {
  const prompts = new Set<string>();
  for (const spec of specs) {
    const folder = /(?:^|:)run:([^#]+)/.exec(spec)?.[1];
    if (folder === undefined) continue;
    // What a run's `data` stage left; a folder without it is refused where the judge is opened.
    const pairs = await readJsonl<Pair>(`${folder}/data/train.jsonl`);
    for (const { prompt } of pairs) prompts.add(promptKey(prompt));
  }
  return prompts;
}
