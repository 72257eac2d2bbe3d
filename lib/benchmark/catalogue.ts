/** The benchmarks there are, and where their files come from. */
import { join } from "node:path";
import { download } from "../base/download.ts";
import { UserError } from "../base/error.ts";
import { sizeOf } from "../base/files.ts";
import { annotationFiles } from "../judges/open_judge.ts";

/** A file of a benchmark. */
export interface BenchmarkFile {
  /** Its public home. */
  readonly url: string;
  /** Where it may lie below a folder of data; the first one there is taken, and downloads go to the first. */
  readonly places: readonly string[];
}

/** A benchmark. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** The name of its folder in FastChat's layout, `data/FOLDER/model_answer/MODEL.jsonl`. */
  readonly folder: string;
  /** JSON lines of FastChat's, or AlpacaEval's JSON array. */
  readonly format: "fastchat" | "alpaca";
  readonly questions: BenchmarkFile;
  readonly references: BenchmarkFile | null;
  /** Most tokens of an answer, as the benchmark's own code generates. */
  readonly maxNewTokens: number;
}

const FASTCHAT = "https://raw.githubusercontent.com/lm-sys/FastChat/main/fastchat/llm_judge/data";

const fastChat = (folder: string, ours: string, file: string, ourFile = file): BenchmarkFile => ({
  url: `${FASTCHAT}/${folder}/${file}`,
  places: [`${ours}/${ourFile}`, `${folder}/${file}`],
});

/**
 * The benchmarks by name. Answers have up to 1024 tokens in FastChat (`--max-new-token` of
 * `gen_model_answer.py`) and 2048 in most of AlpacaEval's own `models_configs`.
 */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  "mt-bench": {
    name: "mt-bench",
    title: "MT-Bench",
    folder: "mt_bench",
    format: "fastchat",
    questions: fastChat("mt_bench", "mt-bench", "question.jsonl"),
    references: fastChat(
      "mt_bench",
      "mt-bench",
      "reference_answer/gpt-4.jsonl",
      "reference-answer-gpt-4.jsonl",
    ),
    maxNewTokens: 1024,
  },
  "vicuna": {
    name: "vicuna",
    title: "Vicuna",
    folder: "vicuna_bench",
    format: "fastchat",
    questions: fastChat("vicuna_bench", "vicuna-bench", "question.jsonl"),
    references: fastChat(
      "vicuna_bench",
      "vicuna-bench",
      "reference_answer/gpt-4.jsonl",
      "reference-answer-gpt-4.jsonl",
    ),
    maxNewTokens: 1024,
  },
  "alpaca-eval": {
    name: "alpaca-eval",
    title: "AlpacaEval",
    folder: "alpaca_eval",
    format: "alpaca",
    questions: {
      url:
        "https://huggingface.co/datasets/tatsu-lab/alpaca_eval/resolve/main/alpaca_eval_gpt4_baseline.json",
      // The recorded annotations hold the same instructions and the same baseline's answers.
      places: [
        "alpaca-eval/alpaca_eval_gpt4_baseline.json",
        "alpaca_eval/alpaca_eval_gpt4_baseline.json",
        "alpaca-eval/annotations",
      ],
    },
    references: null,
    maxNewTokens: 2048,
  },
};

/** The prompts of MT-Bench's judges, which FastChat uses for Vicuna too. */
export const JUDGE_PROMPTS: BenchmarkFile = {
  url: `${FASTCHAT}/judge_prompts.jsonl`,
  places: ["mt-bench/judge-prompts.jsonl", "judge_prompts.jsonl", "mt_bench/judge_prompts.jsonl"],
};

/** @throws {UserError} When there is no benchmark of that name. */
export function benchmarkNamed(name: string): Benchmark {
  if (Object.hasOwn(BENCHMARKS, name)) return BENCHMARKS[name];
  throw new UserError(
    `there is no benchmark "${name}"`,
    `choose from ${Object.keys(BENCHMARKS).join(", ")}`,
  );
}

/** How to find a benchmark's files. */
export interface FindOptions {
  /** A folder with data sets; default the environment variable SELF_JUDGE_DATA. */
  readonly dataFolder?: string;
  /**
   * The git-ignored folder that downloads go to, below `data/benchmarks`.
   * @default ".engine"
   */
  readonly folder?: string;
  readonly log?: (line: string) => void;
  /** Replaces the global fetch, in tests. */
  readonly fetch?: typeof fetch;
  /**
   * Longest wait for a response, or for more of it, in milliseconds.
   * @default 20_000
   */
  readonly timeoutMs?: number;
  /** Whether the benchmark does without it: then its absence from a folder is no error. */
  readonly optional?: boolean;
}

/**
 * The path of a benchmark's file: in the folder of data sets where one is named, else among what was
 * downloaded before, else downloaded from its public home.
 *
 * @returns null if it is optional and not in the folder named
 * @throws {UserError} The folder named does not have it, or the download fails.
 */
export async function findBenchmarkFile(
  file: BenchmarkFile,
  options: FindOptions = {},
): Promise<string | null> {
  const { dataFolder = Deno.env.get("SELF_JUDGE_DATA"), optional = false } = options;
  if (dataFolder) {
    for (const place of file.places) {
      const path = join(dataFolder, place);
      if (await sizeOf(path) === undefined) continue;
      return (await Deno.stat(path)).isDirectory ? (await annotationFiles(path))[0] : path;
    }
    if (optional) return null;
    throw new UserError(
      `the data folder "${dataFolder}" has none of ${file.places.join(", ")}`,
      `put the file there (${file.url}), or name no folder to have it downloaded`,
    );
  }
  const target = join(options.folder ?? ".engine", "data", "benchmarks", file.places[0]);
  if (await sizeOf(target) === undefined) {
    const remedy =
      "be online, or fetch it elsewhere and name its folder with --data or SELF_JUDGE_DATA";
    await download(file.url, target, { ...options, remedy });
  }
  return target;
}
