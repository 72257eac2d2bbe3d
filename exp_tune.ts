import { startEngine, ADAMW_DEFAULTS, MUON_DEFAULTS } from "./lib/tensor/mod.ts";
import { train, jsftExamples, supervisedBatches } from "./lib/align/mod.ts";
import { Rng } from "./lib/random.ts";
import { frozenBy } from "./lib/model/mod.ts";
import { loadModel } from "./lib/run/workbench.ts";
import { StudyBench } from "./lib/study/bench.ts";
import { STUDY_SCALES } from "./lib/study/config.ts";
import { measureJudge } from "./lib/study/measure.ts";
import { reward } from "./lib/world/reward.ts";
await startEngine();
const [mode, rateS, stepsS, kindS, batchS] = Deno.args;
const bench = new StudyBench({ ...STUDY_SCALES.small.config, seed: 1 }, (s) => `/tmp/run-c1b/seed-1/${s}`);
const { train: pairs, heldOut } = await bench.pairs();
let ent = 0, n=0; for (const p of pairs) { const g = Math.abs(reward(p.prompt[0].content,p.chosen)-reward(p.prompt[0].content,p.rejected)); const q = 1/(1+Math.exp(-g/0.5)); ent += -(q*Math.log(q)+(1-q)*Math.log(1-q)); n++; } console.log("label entropy", ent/n);
const show = async (m: any, label: string) => { const j = bench.judge(frozenBy(m, m)); const { numbers } = await measureJudge((c) => j.judge(c), heldOut.slice(0, 300)); console.log(label, Object.entries(numbers).map(([k, v]) => `${k} ${v.toFixed(3)}`).join(" ")); };
if (mode === "eval") { for (const s of Deno.args.slice(1)) { const m = await bench.load(s); await show(m, s); m.dispose(); } Deno.exit(0); }
const model = await bench.load("base");
const steps = Number(stepsS), rate = Number(rateS), B = Number(batchS ?? 32);
const templates = bench.templates(); let l=0,k=0;
await train({ model, steps, seed: 1, schedule: { learningRate: rate, shape: "cosine", warmup: 0.05 }, optimizer: mode === "muon" ? { kind: "muon", ...MUON_DEFAULTS } : { kind: "adamw", ...ADAMW_DEFAULTS },
  prepare: (step) => { const per = Math.floor(pairs.length / B); const order = Rng.named(1, `e${Math.floor(step / per)}`).shuffle(pairs); const some = order.slice((step % per) * B, (step % per) * B + B);
    const { examples } = jsftExamples(some, { encoder: bench.encoder, templates, kinds: kindS === "both" ? ["answer", "judgment"] : ["judgment"] });
    return Promise.resolve({ parts: supervisedBatches(examples, { weighting: { mode: "example", judgeWeight: 0.5 }, batching: "bucketed", microBatchTokens: 4096 }) }); },
  onStep: async (log) => { l+=-(log.judgmentLogProb as number); k++; if (log.step % 50 === 0) { await show(model, `${Deno.args.join(" ")} step ${log.step} judgeloss ${(l/k/ (kindS==="both"?0+2*B:2*B)).toFixed(3)}`); l=0;k=0; } } });
