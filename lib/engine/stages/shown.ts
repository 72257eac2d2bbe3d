import type { RunContext } from "../../run/pipeline.ts";
import { trainerRows } from "../rounds.ts";

/** A stage's progress line, from the trainer's log. */
export function shownSteps(
  { folder, progress }: Pick<RunContext, "folder" | "progress">,
  { name, total }: { name: string; total: number },
) {
  const shown = progress(name, { unit: "step", total });
  let seen = 0;
  return {
    /** Reads on in the trainer's log. */
    look: async (more: Record<string, string> = {}) => {
      const rows = await trainerRows(folder);
      if (rows.size === seen) return;
      seen = rows.size;
      const last = [...rows.values()].reduce((a, b) => a.step > b.step ? a : b);
      await shown.update(last.step, { loss: last.loss.toFixed(3), ...more });
    },
    finish: () => shown.finish(),
  };
}
