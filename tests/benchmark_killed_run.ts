/** Has answers judged in words until it is killed: `benchmark_resume_test.ts` starts it. */
import { join } from "node:path";
import type { FindOptions } from "../lib/benchmark/benchmark_file.ts";
import { openReferee } from "../lib/benchmark/judges.ts";
import { judgePairs } from "../lib/benchmark/verdict_file.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { answerSet, question } from "./benchmark_fakes.ts";

/** The match that run and test have judged: four questions of two turns, so sixteen replies. */
export async function judgeInWords(folder: string, url: string, dataFolder: string) {
  const find: FindOptions = { dataFolder, log: () => {} };
  const { judge } = await openReferee(`mt-bench:${url},model=m`, {
    config: resolveConfig("smoke", {}),
    seed: 1,
    cacheFile: join(folder, "judgments.jsonl"),
    find,
    log: () => {},
  });
  const questions = [1, 2, 3, 4].map((id) => question(id, "writing"));
  const sets = [
    answerSet("long", questions, (q, t) => `A long answer to ${q.id}.${t}`),
    answerSet("short", questions, (q, t) => `No ${q.id}.${t}`),
  ] as const;
  return await judgePairs(questions, sets, judge, { file: join(folder, "m_pair.jsonl") });
}

if (import.meta.main) await judgeInWords(Deno.args[1], Deno.args[0], Deno.args[2]);
