/** The judge, told of one habit of the answers: what would be if it had no such blind spot. @module */
import { byScore } from "../../measure/mod.ts";
import type { Method, Ranker } from "../../method/mod.ts";
import type { World } from "./world.ts";

/** What each is told of, by a habit of the order desk (`World.habits`). */
export const TOLD = {
  "self-judge-told-twice": "names one twice",
  "self-judge-told-left-out": "leaves a thing out",
} as const;

const control = (habit: string) => ({
  ...{ samples: "policy", candidates: 2, ranker: "judge", loss: "sigmoid" } as const,
  source: `control: SELF-JUDGE, its judge told which answer ${habit}`,
});

/** Rows beside hard labels, at one setting with them. */
export const TOLD_CONTROLS = {
  "self-judge-told-twice": control(TOLD["self-judge-told-twice"]),
  "self-judge-told-left-out": control(TOLD["self-judge-told-left-out"]),
} as const satisfies Record<keyof typeof TOLD, Method>;

/** What a control is told of; null of other methods. */
export const toldOf = (name: string): string | null =>
  Object.hasOwn(TOLD, name) ? TOLD[name as keyof typeof TOLD] : null;

/** A judge that finds an answer with the habit worse than one without, and else judges as before. */
export function told(
  judge: Ranker,
  habit: string,
  { habits }: Pick<World, "habits">,
): Ranker {
  const rule = byScore(({ prompt, answer }) =>
    habits[habit](prompt.at(-1)!.content, answer) ? 0 : 1
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
