/** The judge, told of one habit of the answers: what would be if it had no such blind spot. @module */
import { byScore } from "../../measure/mod.ts";
import type { Method, Ranker } from "../../method/mod.ts";
import type { World } from "./world.ts";

/** What each is told of: a habit of the order desk (`World.habits`), and whether it is a good one. */
export const TOLD = {
  "self-judge-told-twice": { habit: "names one twice", good: false },
  "self-judge-told-left-out": { habit: "leaves a thing out", good: false },
  "self-judge-told-polite": { habit: "is polite", good: true },
} as const satisfies Record<string, Told>;

/** A habit that tells the better of two answers by itself. */
interface Told {
  readonly habit: string;
  readonly good: boolean;
}

const control = ({ habit }: Told) => ({
  ...{ samples: "policy", candidates: 2, ranker: "judge", loss: "sigmoid" } as const,
  source: `control: SELF-JUDGE, its judge told which answer ${habit}`,
});

/** Rows beside hard labels, at one setting with them. */
export const TOLD_CONTROLS = {
  "self-judge-told-twice": control(TOLD["self-judge-told-twice"]),
  "self-judge-told-left-out": control(TOLD["self-judge-told-left-out"]),
  "self-judge-told-polite": control(TOLD["self-judge-told-polite"]),
} as const satisfies Record<keyof typeof TOLD, Method>;

/** What a control is told of; null of other methods. */
export const toldOf = (name: string): Told | null =>
  Object.hasOwn(TOLD, name) ? TOLD[name as keyof typeof TOLD] : null;

/** A judge that goes by a habit where it tells two answers apart, and else judges as before. */
export function told(
  judge: Ranker,
  { habit, good }: Told,
  { habits }: Pick<World, "habits">,
): Ranker {
  const rule = byScore(({ prompt, answer }) =>
    habits[habit](prompt.at(-1)!.content, answer) === good ? 1 : 0
  );
  return {
    ...judge,
    compare: async (comparisons) => {
      const ruled = await rule(comparisons);
      const judged = await judge.compare(comparisons);
      return judged.map((own, i) => ruled[i].winner === "tie" ? own : ruled[i]);
    },
  };
}
