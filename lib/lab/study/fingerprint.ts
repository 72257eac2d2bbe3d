import { createHash } from "node:crypto";
import { UserError } from "../../base/error.ts";
import { tokenizerJson, WORLD_LAYOUT, WORLD_PRINCIPLES } from "../world/language.ts";

/** A hash of all that a study rests on: the base's weights, the pairs, and the words they are put in. */
export async function fingerprint(base: string, data: string): Promise<string> {
  const hash = createHash("sha256").update(
    JSON.stringify([tokenizerJson(), WORLD_LAYOUT, WORLD_PRINCIPLES]),
  );
  const made = {
    [`${base}/model.safetensors`]: "`deno task pretrain` (11 minutes of one core)",
    [`${data}/train.csv`]: "`deno task world`",
    [`${data}/principles.csv`]: "`deno task world`",
    [`${data}/validation.csv`]: "`deno task world`",
    [`${data}/held_out.csv`]: "`deno task world`",
  };
  for (const [path, task] of Object.entries(made)) {
    try {
      hash.update(await Deno.readFile(path));
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      const remedy = `make it with ${task}, or check the folder out again`;
      throw new UserError(`there is no ${path}`, remedy, { cause });
    }
  }
  return hash.digest("hex");
}
