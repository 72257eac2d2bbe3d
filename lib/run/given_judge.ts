/** Judges from outside of a run that rank in it or give gold labels. @module */
import { dirname } from "node:path";
import { UserError } from "../base/error.ts";
import { readJsonFile, writeJsonFile } from "../base/files.ts";
import { methodNamed, type Ranker } from "../method/mod.ts";
import type { RunConfig } from "./config.ts";

/** What a run's settings name a judge for. */
export type JudgeRole = "ranker" | "gold";

/** Such a judge, opened. */
export interface GivenJudge extends Ranker {
  readonly name: string;
  /** Changes with its weights, and with how it is asked. */
  readonly fingerprint: string;
}

/** Opens a judge by its name; what it judges is kept in a file. */
export type OpenRanker = (
  spec: string,
  options: { readonly cacheFile: string },
) => Promise<GivenJudge>;

/** What a stage notes of a judge. */
export type JudgeRecord = Pick<GivenJudge, "name" | "fingerprint">;

/** The judge of a role that a stage began with; null where there is none. */
export async function judgeRecord(folder: string, role: JudgeRole): Promise<JudgeRecord | null> {
  return await readJsonFile<JudgeRecord>(`${folder}/${role}.json`);
}

/** What a method lacks without the judge of a role. */
const LACK = {
  ranker: "is ranked by another judge",
  gold: "asks for gold labels",
} as const satisfies Record<JudgeRole, string>;

/**
 * Refuses a method that asks for a judge of a role where none is named, and a judge that the method does not ask.
 *
 * @throws {UserError} with what to name
 */
export function checkGivenJudges({ selfJudge }: Readonly<RunConfig>): void {
  const { method: name } = selfJudge;
  const method = methodNamed(name);
  const asks = { ranker: method.ranker === "given", gold: method.gold === true };
  for (const role of ["ranker", "gold"] as const) {
    const spec = selfJudge[role];
    if (asks[role] && spec === null) throw unnamed(role, name);
    if (!asks[role] && spec !== null) {
      throw new UserError(
        `--${role} names the judge ${spec}, and the method ${name} does not ask it (ranker: ${method.ranker})`,
        `choose --set selfJudge.method=${
          role === "gold" ? "d2po-self" : "oaif"
        }, or leave out --${role} ` +
          `(selfJudge.${role})`,
      );
    }
  }
}

function unnamed(role: JudgeRole, method: string): UserError {
  return new UserError(
    `the method ${method} ${LACK[role]}, and none is named`,
    `name one with --${role}, such as model:PATH, reward:PATH or served:URL,model=NAME; or choose a method without`,
  );
}

/**
 * The judge that a run's settings name to rank, or to give gold labels; what it judges is kept in the stage's folder. A
 * stage that resumes has to be judged by the judge that it began with.
 *
 * @throws {UserError} where none is named; with both names, where it began with another one
 */
export async function givenRanker(
  role: JudgeRole,
  { session: { config: { selfJudge }, openRanker }, cacheFile }: {
    readonly session: {
      readonly config: { selfJudge: { method?: string } & { [role in JudgeRole]?: string | null } };
      readonly openRanker: OpenRanker | null;
    };
    readonly cacheFile: string | null;
  },
): Promise<GivenJudge> {
  const spec = selfJudge[role] ?? null;
  if (spec === null || openRanker === null || cacheFile === null) {
    throw unnamed(role, selfJudge.method ?? "of this stage");
  }
  const folder = dirname(cacheFile);
  const before = await judgeRecord(folder, role);
  const judge = await openRanker(spec, { cacheFile });
  const { name, fingerprint } = judge;
  if (before === null) return notedOnceAsked(judge, `${folder}/${role}.json`);
  if (before.fingerprint !== fingerprint) {
    judge.dispose?.();
    throw new UserError(
      `${folder} was judged by ${before.name} (${before.fingerprint}) so far, and ${name} (${fingerprint}) is another ` +
        "judge: its weights or how it is asked differ",
      "name the same judge, choose another folder with --run, or start the stage anew with --fresh",
    );
  }
  return judge;
}

/** A judge that is noted in a file when it has judged: one that fails at its first question may be replaced. */
function notedOnceAsked(judge: GivenJudge, file: string): GivenJudge {
  const { name, fingerprint } = judge;
  let noted = false;
  return {
    ...judge,
    compare: async (comparisons) => {
      const judgments = await judge.compare(comparisons);
      if (!noted) await writeJsonFile(file, { name, fingerprint });
      noted = true;
      return judgments;
    },
  };
}
