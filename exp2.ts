// deno-lint-ignore-file
import { startEngine, Tape, AdamW } from "./lib/tensor/mod.ts";
import * as tf from "@tensorflow/tfjs";
import { Llama } from "./lib/model/llama.ts";
import { LoraAdapter, LORA_DEFAULTS } from "./lib/model/lora.ts";
import { rightPadded } from "./lib/model/batch.ts";
import { followingLogProbs, nextTokenProbabilities } from "./lib/model/score.ts";
import { generate } from "./lib/model/generate.ts";
import { Rng } from "./lib/random.ts";
console.log(await startEngine());
const config = { vocabSize: 49152, hiddenSize: 576, intermediateSize: 1536, layers: 30, heads: 9, kvHeads: 3, headDim: 64, maxPositions: 2048, rmsEps: 1e-5, ropeTheta: 1e5, ropeScaling: null, tieEmbeddings: true, attentionBias: false, mlpBias: false, bosId: 1, eosIds: [2], padId: 2 } as any;
const rng = Rng.named(1,"w");
const model = Llama.build(config, (n, s) => { const size=s.reduce((a,b)=>a*b); const a=new Float32Array(size); if(n.includes("norm")) a.fill(1); else for(let i=0;i<size;i++) a[i]=(rng.uniform()-.5)*.07; return a; });
const seqs = [0,1].map(()=>Array.from({length:256},()=>rng.int(49152)));
const before = tf.memory().numTensors;
for (let i=0;i<6;i++){ const t=performance.now(); const b=rightPadded(seqs,0); const h=model.hidden(b); h.dataSync(); console.log("forward", (performance.now()-t).toFixed(0)); h.dispose(); b.mask!.dispose(); }
console.log("leak", tf.memory().numTensors-before);
for (const dropout of [0, 0.1]) {
model.adapter = LoraAdapter.create(config, {...LORA_DEFAULTS, dropout}, rng);
const names=[...model.adapter.parameters.keys()];
const size=[...model.adapter.parameters.values()].reduce((a,b)=>a+b.size,0); console.log("lora", size);
const opt=new AdamW(size);
for (let i=0;i<6;i++){ const n0=tf.memory().numTensors; const t=performance.now(); const b=rightPadded(seqs,0);
 const params=names.map(n=>model.adapter!.parameters.get(n)!);
 const tape=new Tape(params); const at=[0,1].flatMap(r=>Array.from({length:64},(_,i)=>({row:r,column:191+i})));
 const lp=followingLogProbs(model,b,{at,tape,dropoutSeed:i}); const t1=performance.now(); const loss=-lp.dataSync().reduce((a,b)=>a+b)/128;
 const seed=tf.fill([128],-1/128); const g=tape.gradients(lp,seed,params); seed.dispose(); const t2=performance.now();
 const {updated,norm}=opt.step(params,g,1e-4); names.forEach((n,j)=>model.adapter!.parameters.set(n,tf.keep(updated[j] as any))); params.forEach(p=>p.dispose()); g.forEach(x=>x.dispose()); const nn=norm.dataSync()[0]; norm.dispose(); b.mask!.dispose();
 console.log("step", (performance.now()-t).toFixed(0), "fwd",(t1-t).toFixed(0),"bwd",(t2-t1).toFixed(0), loss.toFixed(4), nn.toFixed(3), "leak", tf.memory().numTensors-n0); }
 opt.dispose(); model.adapter.dispose(); model.adapter=null; }
const prompts=Array.from({length:8},()=>Array.from({length:64},()=>rng.int(49152)));
for (let i=0;i<3;i++){ const n0=tf.memory().numTensors; const t=performance.now(); const g=await generate(model,prompts,{maxNewTokens:64,stopIds:[],seed:1}); const dt=performance.now()-t; console.log("gen", dt.toFixed(0), (512/dt*1000).toFixed(1),"tok/s", g[0][0].ids.slice(0,5), "leak", tf.memory().numTensors-n0);}
