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
import {profile} from "./prof.ts";
console.log("leak", tf.memory().numTensors-before);
const prompts=Array.from({length:8},()=>Array.from({length:64},()=>rng.int(49152)));
{ const g0=await generate(model,prompts,{maxNewTokens:4,stopIds:[],seed:1}); const show=profile(); const t=performance.now(); await generate(model,prompts,{maxNewTokens:32,stopIds:[],seed:1}); show(performance.now()-t);
 { const t=performance.now(); const b=rightPadded(seqs,0); const h=model.hidden(b); h.dataSync(); show(performance.now()-t); } }
