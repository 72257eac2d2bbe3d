/**
 * TRL under `lib/engine/python/trainer.py` against this project's own trainer: the same ids, adapter and learning rates
 * on a two-layer Llama. What several tests look at is trained once, since torch and TRL take long to import.
 */
import { before, describe } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  type LanguageModel,
  loadAdapter,
  openSafetensors,
  saveAdapter,
  saveModel,
} from "../lib/model/mod.ts";
import { difference } from "./numbers.ts";
import { folder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import { tinyWithAdapter } from "./tiny_method.ts";
import { LESSONS, PAIR_STEPS } from "./tiny_stages.ts";
import { ended, itTrains, PYTHON, startPython, TRAINER, trainStages } from "./trainer_python.ts";
import {
  adapterValues,
  comparedLogs,
  compareMoves,
  type Lesson,
  logProbsOf,
  ownTraining,
  savedValues,
  trainerLog,
  writeStage,
} from "./trainer_stages.ts";

/** A lesson on so many processes with so many rows at once. */
const RUNS = (Object.keys(LESSONS) as (keyof typeof LESSONS)[]).flatMap((name) =>
  [1, 2].map((processes) => ({
    name,
    processes,
    microBatch: name === "hinge" ? processes : 3 - processes,
  }))
);
const at = (name: string) => `${folder.path}/${name}`;
const stageOf = (run: (typeof RUNS)[number]) => `${run.name}-${run.processes}`;

/** Writes a stage of the tiny model; `own` is its name and folder. */
const stage = (own: string, lesson: Lesson, settings: Record<string, unknown> = {}) =>
  writeStage({
    folder: at(own),
    ...{ model: at("model"), start: at("start"), lesson },
    settings: { under: at("under"), ...settings },
  });

/** The model with what is under folded in, and the adapter to begin from. */
async function modelAtStart(): Promise<LanguageModel> {
  const model = tinyModel();
  model.adapter = await loadAdapter(at("under"), model.config);
  model.foldAdapter();
  model.adapter = await loadAdapter(at("start"), model.config);
  return model;
}

async function failureOf(name: string): Promise<{ step: number | null; message: string }> {
  return JSON.parse(await Deno.readTextFile(`${at(name)}/failed.json`));
}

/** As the trainer is restarted: dropout on, a round a step. */
const DROPOUT = { dropout: 0.1, roundSteps: 1 };
const adapterOf = (name: string, round: number) => `${at(name)}/rounds/00000${round}/adapter`;

/** Stages that have to fail; more of them are in engine_run_folder_test.ts. */
const FAULTS = {
  "torn-line": { settings: {}, message: /000001\/batch\.jsonl, line 8: it is not JSON/ },
  "infinite": {
    settings: { rates: [1e30, 1e30, 1e30, 1e30] },
    message: /step 2: the (loss|norm of the gradient) is (nan|inf).*learning rate/,
  },
  "sharded": {
    settings: { sharding: "fsdp" },
    message: /sharding "fsdp" needs GPUs: set train\.sharding to "none"/,
  },
};

/** Largest relative difference of a number that both tell (of numbers below 1 the absolute one); 5.2e-6 was seen. */
const WITHIN = 2e-5;

describe("TRL under trainer.py", () => {
  let codes: number[] = [];
  before(async () => {
    if (!PYTHON) return;
    const model = tinyModel();
    await saveModel(model, at("model"));
    model.dispose();
    for (const [name, seed] of [["under", 1], ["start", 2]] as const) {
      const { adapter } = tinyWithAdapter({ moved: true, seed });
      await saveAdapter(adapter!, at(name), { baseModel: at("model") });
    }
    const settingsOf = ({ processes, microBatch }: (typeof RUNS)[number]) => ({
      ...{ microBatch, workers: processes, gradientCheckpointing: processes === 2 },
    });
    const stages: string[][] = [[], [], []];
    for (const run of RUNS) {
      stages[run.processes].push(await stage(stageOf(run), LESSONS[run.name], settingsOf(run)));
    }
    for (const [name, { settings }] of Object.entries(FAULTS)) {
      stages[1].push(await stage(name, LESSONS.sigmoid, settings));
    }
    const torn = `${at("torn-line")}/rounds/000001/batch.jsonl`;
    await Deno.writeTextFile(torn, (await Deno.readTextFile(torn)).slice(0, -9));
    stages[1].push(await stage("unbroken", LESSONS.sigmoid, DROPOUT));
    stages[1].push(await stage("bfloat16", LESSONS.sigmoid, { dtype: "bfloat16" }));
    stages[1].push(await stage("stopped", LESSONS.sigmoid));
    await Deno.writeTextFile(`${at("stopped")}/stop`, "");
    codes = await trainStages(stages[1]);
    await trainStages(stages[2], { processes: 2 });
  });

  for (const run of RUNS) {
    const { name, processes, microBatch } = run;
    itTrains(
      `learns ${name} as this project does, processes: ${processes}, rows at once: ${microBatch}`,
      async () => {
        const model = await modelAtStart();
        const start = await adapterValues(model);
        const own = await ownTraining(model, LESSONS[name]);
        for (const { quantity, step, here, trl } of await comparedLogs(own, at(stageOf(run)))) {
          const apart = Math.abs(here - trl);
          const allowed = quantity === "learningRate" ? 0 : WITHIN * Math.max(1, Math.abs(here));
          assert.ok(apart <= allowed, `step ${step}, ${quantity}: ${here} here, ${trl} by TRL`);
        }
        const trained = adapterOf(stageOf(run), name === "JSFT" ? 1 : 2);
        const both = [await adapterValues(model), await savedValues(trained, model)];
        const { largest, moves: [move], cosine } = compareMoves([start, ...both]);
        assert.ok(cosine >= 1 - 1e-9, `cosine of the moves: ${cosine}`);
        // Adam's steps have the size of the rate whatever the gradient: next to 0, rounding tells more. 1.9e-3 was seen.
        assert.ok(
          largest <= 5e-3 * move,
          `weights differ by ${largest}, the largest move is ${move}`,
        );
        model.dispose();
      },
    );
  }

  itTrains(
    "tells before each round what it makes of the sampled answers, with dropout off",
    async () => {
      const model = await modelAtStart();
      for (const [round, pairs] of [[1, PAIR_STEPS[0]], [2, PAIR_STEPS[2]]] as const) {
        if (round === 2) {
          model.adapter!.dispose();
          model.adapter = await loadAdapter(adapterOf("sigmoid-2", 1), model.config);
        }
        const own = await logProbsOf(model, pairs);
        const told: number[][] = JSON.parse(
          await Deno.readTextFile(`${at("sigmoid-2")}/rounds/00000${round}/logps.json`),
        );
        assert.equal(told.length, pairs.length);
        assert.ok(difference(told.flat(), own.flat()) <= 1e-4, `${told} is not ${own}`);
      }
      model.dispose();
    },
  );

  for (const [i, [name, { message }]] of Object.entries(FAULTS).entries()) {
    itTrains(`tells a fault that a retry would repeat: ${name}`, async () => {
      const { message: said } = await failureOf(name);
      assert.match(said, message);
      assert.equal(codes[RUNS.length / 2 + i], 3);
      assert.ok(!existsSync(adapterOf(name, 1)), "nothing is published");
    });
  }

  itTrains("trains in bfloat16 too, with a float32 adapter", async () => {
    const [short, wide] = await Promise.all(
      ["bfloat16", "sigmoid-1"].map((name) => trainerLog(at(name))),
    );
    assert.ok(short.every(({ loss }, i) => loss !== wide[i].loss), "it is another arithmetic");
    assert.ok(difference(short.map((l) => l.loss), wide.map((l) => l.loss)) < 0.05);
    const { dtype } = JSON.parse(await Deno.readTextFile(`${at("bfloat16")}/train.json`));
    assert.equal(dtype, "bfloat16");
    const source = await openSafetensors(`${adapterOf("bfloat16", 2)}/adapter_model.safetensors`);
    assert.equal(source.dtype(source.names[0]), "F32");
    source.close();
  });

  itTrains("ends well at its next wait when it is to stop", async () => {
    await assert.rejects(failureOf("stopped"), Deno.errors.NotFound);
    assert.equal(codes.at(-1), 0);
    assert.ok(!existsSync(`${at("stopped")}/trainer.jsonl`), "no step was taken");
  });

  itTrains("goes on after a kill to the same bit, and publishes nothing twice", async () => {
    const train = await stage("broken", LESSONS.sigmoid, DROPOUT);
    await Deno.mkdir(at("later"));
    for (const round of [3, 4]) {
      await Deno.rename(`${at("broken")}/rounds/00000${round}`, `${at("later")}/00000${round}`);
    }
    const first = startPython([`${TRAINER}/trainer.py`, train]);
    let running = true;
    const end = ended(first).then((said) => (running = false, said));
    while (running && !existsSync(`${at("broken")}/checkpoints/checkpoint-2/trainer_state.json`)) {
      await new Promise((done) => setTimeout(done, 50));
    }
    assert.ok(running, "it waits for the third round");
    first.kill("SIGKILL");
    await end;
    // What a kill can leave: half a line, half a checkpoint, half an adapter, and one that was published already.
    const log = `${at("broken")}/trainer.jsonl`;
    await Deno.writeTextFile(log, '{"step": 3, "lo', { append: true });
    await Deno.mkdir(`${at("broken")}/checkpoints/checkpoint-3`);
    await Deno.writeTextFile(`${at("broken")}/checkpoints/checkpoint-3/trainer_state.json`, "{");
    for (const round of [3, 4]) {
      await Deno.rename(`${at("later")}/00000${round}`, `${at("broken")}/rounds/00000${round}`);
      await Deno.mkdir(`${adapterOf("broken", round)}.part`);
    }
    await Deno.mkdir(adapterOf("broken", 3));
    await Deno.remove(adapterOf("broken", 2), { recursive: true }); // as if killed before it was published

    const { code, text } = await ended(startPython([`${TRAINER}/trainer.py`, train]));
    assert.equal(code, 0, text);
    const started = JSON.parse(await Deno.readTextFile(`${at("broken")}/trainer.started.json`));
    assert.match(started.from, /^checkpoint-[12]$/);
    assert.deepEqual([...Deno.readDirSync(adapterOf("broken", 3))], [], "what was there stays");
    assert.ok(!existsSync(`${adapterOf("broken", 4)}.part`));
    assert.deepEqual((await trainerLog(at("broken"))).map(({ step }) => step), [1, 2, 3, 4]);
    const model = tinyModel();
    const [broken, unbroken, dry] = await Promise.all(
      [adapterOf("broken", 4), adapterOf("unbroken", 4), adapterOf("sigmoid-1", 2)]
        .map((path) => savedValues(path, model)),
    );
    assert.equal(compareMoves([dry, broken, unbroken]).largest, 0);
    const second = await savedValues(adapterOf("broken", 2), model);
    assert.equal(
      compareMoves([dry, second, await savedValues(adapterOf("unbroken", 2), model)]).largest,
      0,
    );
    assert.ok(compareMoves([dry, broken, dry]).largest > 1e-4, "dropout is on");
    model.dispose();
  });

  itTrains("ends with code 3 on settings that are wrong, before torch is imported", async () => {
    const train = await stage("ipo", LESSONS.sigmoid, { loss: "ipo" });
    const { code, text } = await ended(startPython([`${TRAINER}/trainer.py`, train]));
    assert.equal(code, 3, text);
    assert.doesNotMatch(text, /Traceback/);
  });
});
