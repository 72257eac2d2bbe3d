/** Pretraining of the base: every loss and every share of its log over the steps. */
import { namedLines } from "../../show/marks.ts";
import { type Panel, panels } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";

/** A row of a training log; which columns there are is the log's affair, but `step` is one. */
export type LogRow = Record<string, string | number>;

const LOSS = /loss/i;
const SHARE = /accuracy|consisten|agree|correct|exact/i;

/**
 * Losses in one panel and shares (accuracies and the like) in another, from whichever columns of that name
 * the log has; a cell may be empty where a measure was not taken.
 */
export function baseLog(rows: readonly LogRow[]): Figure {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const named = (pattern: RegExp) =>
    columns.filter((name) =>
      pattern.test(name) && rows.some((row) => typeof row[name] === "number")
    );
  const losses = named(LOSS);
  const shares = named(SHARE).filter((name) => !losses.includes(name));
  const panel = (title: string, names: readonly string[], y: Record<string, unknown>): Panel => {
    const style = looks(names);
    const lines = names.map((name) => {
      const some = rows.filter((row) => typeof row[name] === "number");
      const values = some.map((row) => row[name] as number);
      return {
        look: { ...style.get(name)!, label: spoken(name) },
        points: some.map((row, i) => ({ x: Number(row.step), y: values[i] })),
      };
    });
    return {
      title,
      ...namedLines(lines, { width: 2 }),
      x: { title: "training step" },
      y,
    };
  };
  const list = [
    ...losses.length > 0 ? [panel("Loss, nats", losses, {})] : [],
    ...shares.length > 0 ? [panel("Share right", shares, { range: [-0.02, 1.02] })] : [],
  ];
  return panels(list, { columns: list.length, width: 560 * list.length, height: 320 });
}

/** A column's name in words: "answer_loss" and "answerLoss" are "answer loss". */
function spoken(name: string): string {
  return name.replaceAll("_", " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}
