/** What a row was trained with beside the settings that it is filed under. @module */
import { UserError } from "../../base/error.ts";
import { readJsonFile } from "../../base/files.ts";
import type { RowSetting } from "./config.ts";
import { methodOf, type StudyRow } from "./methods.ts";
import { sameSetting } from "./tuning.ts";

/**
 * Refuses a row that was trained with another setting than the one chosen for it. A stage that kept no settings is taken
 * as it is.
 *
 * @param path Folder of the run.
 * @param options.tuned The settings chosen, by row. Where the judge chose none of its own, its row has the method's.
 * @throws {UserError} naming the folder and both settings
 */
export async function refuseOtherSetting(
  path: string,
  row: string,
  tuned: Partial<Record<StudyRow, RowSetting>>,
): Promise<void> {
  const chosen = tuned[row as StudyRow] ??
    (row.endsWith("@judge") ? tuned[methodOf(row as StudyRow)] : undefined);
  const kept = await readJsonFile<{ settings: { preference?: RowSetting } }>(
    `${path}/${row}/config.json`,
  );
  const own = kept?.settings.preference;
  if (chosen === undefined || own === undefined) return;
  if (sameSetting(own, chosen) && (chosen.steps === undefined || chosen.steps === own.steps)) {
    return;
  }
  const words = ({ learningRate, beta, steps }: RowSetting) =>
    `rate ${learningRate}, beta ${beta}${chosen.steps === undefined ? "" : `, ${steps} steps`}`;
  throw new UserError(
    `${path}/${row} was trained with ${words(own)}, and tuning.csv chooses ${
      words(chosen)
    } for ${row}`,
    "give the tables of these runs a folder of their own with --out",
  );
}
