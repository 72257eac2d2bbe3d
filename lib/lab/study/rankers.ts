import { inverted, longerWins } from "../../measure/mod.ts";
import type { Method, Ranker } from "../../method/mod.ts";
import { rankerOf, type RankerParts } from "../../run/rankers.ts";
import { readAnswer, viewsOf } from "../world/reward.ts";
import { freshJudgeOf } from "./fresh_controls.ts";
import { methodOf, type Rule, ruleOf, type StudyRow } from "./methods.ts";
import type { StudyContext } from "./stage.ts";
import { told, toldOf } from "./told_controls.ts";
import { type StudySession, truthOf } from "./study_session.ts";

/** The ranker that a method names: where the truth is known every one of them is to be had. */
export async function studyRanker(
  ranker: Method["ranker"],
  parts: RankerParts<StudySession>,
  { config: { refreshEvery }, row }: Pick<StudyContext, "config"> & {
    row: StudyRow;
  },
): Promise<Ranker | null> {
  const { session } = parts;
  const name = methodOf(row);
  const rule = ruleOf(name);
  if (rule !== null) return BY_RULE[rule];
  const of = toldOf(name);
  if (of !== null) {
    const judge = await rankerOf(ranker, { ...parts, cacheFile: null });
    return told(judge!, of, session.world);
  }
  const fresh = freshJudgeOf(name);
  if (fresh !== null) return await apart(session, (other) => other.judgeOf(fresh));
  switch (ranker) {
    case "separate":
    case "given": // any judge: here, one that learned judging alone
      return await apart(session, (other) => other.judgeOf("judge-only"));
    case "reward-model":
      return await apart(session, (other) => other.rewardJudge("reward-model"));
    case "truth":
      return { compare: truthOf(session.world) };
    case "refreshed":
      return await refreshedJudge(parts, { row, refreshEvery });
    default:
      return await rankerOf(ranker, { ...parts, cacheFile: null });
  }
}

/** Rules in place of a judge. */
const BY_RULE: Readonly<Record<Rule, Ranker>> = {
  shorter: { compare: inverted(longerWins) },
  // The order desk's manners alone, of all that its reward counts.
  politer: {
    compare: truthOf({
      reward: (request, answer) => viewsOf(readAnswer(request, answer)).manners,
    }),
  },
};

/** A judge with weights of its own beside those in training. */
async function apart(
  session: StudySession,
  open: (other: StudySession) => Promise<Ranker>,
): Promise<Ranker> {
  const other = session.another();
  const judge = await open(other);
  return {
    compare: (comparisons) => judge.compare(comparisons),
    promptsFor: judge.promptsFor && ((comparisons) => judge.promptsFor!(comparisons)),
    dispose: () => other.dispose(),
  };
}

/** A judge that is renewed from the policy every some steps; each is kept on disk, for a resumed run. */
async function refreshedJudge(
  { session, model, reference }: RankerParts<StudySession>,
  { row, refreshEvery }: { row: StudyRow; refreshEvery: number },
): Promise<Ranker> {
  let judge = await session.judgeBy(reference);
  let copy: StudySession | null = null;
  let made = 0;
  return {
    compare: (comparisons) => judge.compare(comparisons),
    promptsFor: (comparisons) => judge.promptsFor(comparisons),
    before: async (step) => {
      const due = Math.floor(step / refreshEvery) * refreshEvery;
      if (due === made) return;
      const kept = `${row}/judge-${due}`;
      if (due === step) await session.save(model, kept);
      copy?.dispose();
      copy = session.another(); // weights of its own: those of the session are in training
      judge = await copy.judgeOf(kept);
      made = due;
    },
    dispose: () => copy?.dispose(),
  };
}
