import assert from "node:assert/strict";
import { after, it } from "jsr:@std/testing@1/bdd";
import { isRunning } from "../lib/engine/launch/processes.ts";
import { stopLocal } from "../lib/engine/local.ts";
import { command } from "./commands.ts";
import { PYTHON } from "./engine_cluster.ts";
import { describeWithVllm, servedModel } from "./real_vllm.ts";
import { folder } from "./temporary_files.ts";
import settings from "../deno.json" with { type: "json" };
import { BYTE_SETTINGS, writeByteModel } from "./tiny_gguf.ts";

/** The task's own command, with its permissions. */
const TASK = settings.tasks.engine.command.split(" && ").at(-1)!.replace(/^deno /, "");

describeWithVllm("deno task engine --local", () => {
  const cluster = () => `${folder.path}/cluster`;
  const run = (env: Record<string, string> = {}) =>
    command(TASK, () => ({ SELF_JUDGE_CLUSTER_PYTHON: PYTHON!, ...env }));
  const model = () => [
    ...["--model", `${folder.path}/model.gguf`, "--scale", "smoke"],
    ...["--set", "selfJudge.batchSize=4"],
    ...BYTE_SETTINGS.flatMap((setting) => ["--set", setting]),
  ];
  after(async () => void await stopLocal(cluster()));

  it("starts vLLM and Ray, finds them running, checks them, and ends them alone", async () => {
    await writeByteModel(`${folder.path}/model.gguf`, "F32", servedModel());
    const { out } = await run().well(["--local", cluster(), ...model()]);
    const secret = async (name: string) => {
      const { mode } = await Deno.stat(`${cluster()}/${name}`);
      assert.equal(mode! & 0o777, 0o600, name);
      return await Deno.readTextFile(`${cluster()}/${name}`);
    };
    const [key, token] = [await secret("vllm-key"), await secret("ray/token")];
    assert.ok(out.includes(`export SELF_JUDGE_VLLM_KEY="$(cat ${cluster()}/vllm-key)"`), out);
    for (const text of [out, await Deno.readTextFile(`${cluster()}/cluster.json`)]) {
      assert.ok(!text.includes(key) && !text.includes(token));
    }
    const { vllm } = JSON.parse(await Deno.readTextFile(`${cluster()}/local.json`));
    assert.ok(await isRunning(vllm));

    const again = await run().well(["--local", cluster(), ...model()]);
    assert.match(again.err, /is running already/);
    assert.equal(again.out, out);

    const keys = { SELF_JUDGE_VLLM_KEY: key, RAY_AUTH_TOKEN: token };
    const table = await run(keys).well([`${cluster()}/cluster.json`, ...model()]);
    assert.doesNotMatch(table.out, /\[FAIL\]/);
    for (const row of ["server", "tokenizer", "judge", "adapters", "Ray", "room for workers"]) {
      assert.match(table.out, new RegExp(`^\\[OK\\] {3}${row}\\b`, "m"));
    }
    assert.ok(!table.out.includes(key) && !table.out.includes(token));
    const unset = await run().run([`${cluster()}/cluster.json`, ...model()]);
    assert.equal(unset.code, 1);
    assert.match(
      unset.out,
      /\[FAIL\] key of the servers +the environment variable SELF_JUDGE_VLLM/,
    );

    assert.match((await run().well(["--local", cluster(), "--stop"])).out, /ended what ran/);
    assert.equal(await isRunning(vllm), false);
    assert.match((await run().well(["--local", cluster(), "--stop"])).out, /nothing .* is running/);
  });
});
