/** What a server's refusal means for a run, and what mends it. */
import { UserError } from "../base/error.ts";
import type { ServedError } from "../judges/served/mod.ts";

/** What was asked for when a server refused. */
export interface FleetRequest {
  readonly url: string;
  /** Name of the weights without adapter, as the cluster's file has it. */
  readonly baseModel: string;
  readonly keyVariable: string | null;
  /** The adapter to be loaded, where that was asked. */
  readonly loading?: { readonly name: string; readonly path: string };
}

/** Words of vLLM 0.32, by what they mean. */
const WORDS = {
  rank: /rank (\d+) is greater than max_lora_rank (\d+)/i,
  unseen: /no adapter found/i,
  disabled: /lora is not enabled/i,
  context: /max_model_len|maximum context length|longer than the maximum model length/i,
  vocabulary: /out.of.vocab/i,
  lora: /has already been loaded/i,
  model: /model/i,
} as const;

/** Ranks that vLLM takes as its highest. */
const RANKS = [8, 16, 32, 64, 128, 256, 320, 512];

/** The least `--max-lora-rank` under which vLLM takes adapters of a rank. @throws {UserError} Where there is none */
export function highestRank(rank: number): number {
  const highest = RANKS.find((most) => most >= rank);
  if (highest !== undefined) return highest;
  throw new UserError(
    `vLLM takes no adapter of rank ${rank} (ranks of JSFT and policy add up)`,
    `lower jsft.tuning.r and selfJudge.tuning.r to ${RANKS.at(-1)} together`,
  );
}

/** Whether a server has an adapter of that name already. */
export const alreadyLoaded = ({ problem }: ServedError): boolean => WORDS.lora.test(problem);

/** Whether a server does not see an adapter's folder, which a shared folder may show a little later. */
export const unseen = ({ problem }: ServedError): boolean => WORDS.unseen.test(problem);

/** The error of a request that no other attempt will mend; with a loading, of one that was tried several times. */
export function fleetError(error: ServedError, request: FleetRequest): UserError {
  const { problem, remedy } = meaning(error, request);
  return new UserError(problem, remedy, { cause: error });
}

/** Whether a fault of loading an adapter can be mended by the user alone. */
export function lastingLoad({ problem, kind }: ServedError): boolean {
  return WORDS.rank.test(problem) || WORDS.disabled.test(problem) ||
    ((kind === "setup" || kind === "refused") && !WORDS.unseen.test(problem));
}

function meaning(
  { problem, remedy, fault }: ServedError,
  { url, baseModel, keyVariable, loading }: FleetRequest,
): { problem: string; remedy: string } {
  const status = fault?.status;
  if (status === 401 || status === 403) {
    return {
      problem,
      remedy: keyVariable === null
        ? 'name the variable that holds the servers\' key: "keyVariable" under "serve"'
        : `set ${keyVariable} to the key that the server was started with`,
    };
  }
  if (loading) {
    const { name, path } = loading;
    const rank = WORDS.rank.exec(problem);
    if (rank !== null) {
      return {
        problem: `${url} takes adapters up to rank ${rank[2]}, and ${name} has rank ${rank[1]}`,
        remedy:
          `start it with --max-lora-rank ${highestRank(Number(rank[1]))} (ranks of JSFT and ` +
          "policy add up), or lower jsft.tuning.r or selfJudge.tuning.r",
      };
    }
    if (WORDS.unseen.test(problem)) {
      return {
        problem: `${url} sees no adapter in ${path}`,
        remedy: "mount the shared folder there, or correct storage.there in the cluster file",
      };
    }
    if (WORDS.disabled.test(problem)) {
      return { problem: `${url} takes no adapters`, remedy: "start it with --enable-lora" };
    }
    if (status === 404 || status === 405) {
      return {
        problem: `${url} loads no adapters while it runs`,
        remedy: "start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True in its environment and " +
          "--enable-lora",
      };
    }
    return {
      problem: `${problem}, when it was to load the adapter ${name} from ${path}`,
      remedy: "see the server's log; an adapter must fit the server's model",
    };
  }
  if (status === 404 && !WORDS.model.test(fault!.message)) {
    return {
      problem: `${url} lacks what vLLM answers: ${fault!.message}`,
      remedy: "correct its address in the cluster file: a vLLM server's own, nothing behind it",
    };
  }
  if (status === 404) {
    return {
      problem: `${url} has no model "${baseModel}": ${fault!.message}`,
      remedy: "set serve.baseModel to the name that the server has it under (--served-model-name)",
    };
  }
  if (WORDS.context.test(problem)) {
    return {
      problem,
      remedy: "start the server with a larger --max-model-len, or lower the run's longest prompt " +
        "(data.maxTokens, judge.maxTokens) or answer",
    };
  }
  if (WORDS.vocabulary.test(problem)) {
    return {
      problem,
      remedy: "serve the model that the run names: this one has another vocabulary",
    };
  }
  return { problem, remedy: REMEDIES[fault?.kind ?? ""] ?? remedy };
}

const AGAIN = "see the server's log, then run the same command again: what was answered is kept";

/** Remedies by kind of fault, where the client's own speak of a single judge. */
const REMEDIES: Readonly<Record<string, string>> = {
  refused: "see the server's log: it does not accept this request",
  timeout: "raise serve.timeoutMs or lower serve.concurrency, then run the same command again",
  network: AGAIN,
  server: AGAIN,
  busy: AGAIN,
  garbled:
    "see the server's log: is it vLLM itself, and are its weights' and adapters' numbers finite? " +
    "Then run the same command again: what was answered is kept",
};
