/** What a run on engines is refused for before anything is paid. */
import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { checkElsewhere, type Cluster, clusterOf, Fleet } from "../lib/engine/mod.ts";
import { FleetSession } from "../lib/engine/session.ts";
import { ALIGN_STAGES } from "../lib/run/align.ts";
import { resolveConfig } from "../lib/run/mod.ts";
import { testCluster } from "./engine_cluster.ts";
import { writeServedModel } from "./real_vllm.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const ALL = ALIGN_STAGES.map(({ name }) => name);
const TRAINED = "/no/such/model"; // of the trainer's machines
let cluster: Cluster;
let outside = "";

before(async () => {
  cluster = testCluster(`${folder.path}/shared`, { launcher: { kind: "torchrun" } }, "/mnt/runs");
  outside = `${folder.path}/elsewhere/model`;
  await writeServedModel(outside);
  await writeServedModel(`${folder.path}/shared/model`);
});

const config = (model = "some/model") =>
  resolveConfig("smoke", {
    settings: [`model=${JSON.stringify(model)}`, "jsft.weighting=token"],
  });
const check = (
  { run = `${folder.path}/shared/run`, model, toRun = ALL, at = cluster }: {
    run?: string;
    model?: string;
    toRun?: readonly string[];
    at?: Cluster;
  },
) => checkElsewhere(config(model), { cluster: at, folder: run, toRun });

describe("a run on engines elsewhere", () => {
  it("is refused in a folder that servers and trainer do not see, whatever of it is to be run", async () => {
    await check({});
    const run = `${folder.path}/shared-not/run`;
    for (const toRun of [ALL, ["judge-before"], ["tournament"]]) {
      await refuses(
        check({ run, toRun }),
        `${run} is not in the shared folder`,
        `--run ${folder.path}/shared/NAME`,
      );
    }
    await check({ run, toRun: [] }); // all is done: only shown
  });

  it("is refused with a model that the trainer does not see: the cluster's file names another", async () => {
    for (const toRun of [ALL, ["jsft"], ["self-judge"]]) {
      const { message } = await refuses(
        check({ model: outside, toRun }),
        `${outside} is not in the shared folder`,
        '"model" in the cluster file',
      );
      assert.doesNotMatch(message, /--run/);
    }
    await check({ model: outside, toRun: ["judge-before", "judge-after"] }); // trains nothing
    await check({ model: outside, at: clusterOf({ ...cluster, model: TRAINED }) });
    await check({ model: `${folder.path}/shared/model` });
    // Of a GGUF file a copy is written into the run's folder.
    await check({ model: await file("elsewhere/model.gguf", "GGUF") });
  });

  it("is refused with an adapter on a model, whose base nobody writes", async () => {
    const tuned = `${folder.path}/shared/tuned`;
    await Deno.mkdir(tuned, { recursive: true });
    await Deno.writeTextFile(`${tuned}/adapter_config.json`, "{}");
    for (const model of [tuned, `${folder.path}/shared/model+${tuned}`]) {
      await refuses(check({ model }), "is an adapter on a model", "deno task export");
    }
  });

  it("tells the trainer where the model is on its machines", async () => {
    const there = (model: string, at = cluster) => {
      const fleet = new Fleet(at, { key: "k", log: () => {} });
      const folderOf = (stage: string) => `${folder.path}/shared/run/${stage}`;
      return new FleetSession(config(model), folderOf, () => {}, at, fleet).baseThere();
    };
    await refuses(there(outside), outside, '"model" in the cluster file');
    const inside = await there(`${folder.path}/shared/model`);
    assert.deepEqual(inside, { model: "/mnt/runs/model", revision: null });
    const named = await there(outside, clusterOf({ ...cluster, model: TRAINED }));
    assert.deepEqual(named, { model: TRAINED, revision: null });
  });
});
