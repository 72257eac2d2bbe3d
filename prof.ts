// deno-lint-ignore-file
import * as tf from "@tensorflow/tfjs";
export function profile() {
  const be = tf.backend() as any; const acc = new Map<string,[number,number]>();
  for (const m of ["executeSingleOutput","executeMultipleOutputs"]) { const f = be[m].bind(be);
    be[m] = (name: string, a: any, i: any[], n?: number) => { const t=performance.now(); const r=f(name,a,i,n); const k=name+" "+i.map((x:any)=>JSON.stringify(x.shape)).slice(0,2).join(""); const e=acc.get(k)??[0,0]; e[0]+=performance.now()-t; e[1]++; acc.set(k,e); return r; }; }
  return (total:number) => { const rows=[...acc].sort((a,b)=>b[1][0]-a[1][0]); const s=rows.reduce((x,r)=>x+r[1][0],0); console.log("total wall",total.toFixed(0),"in ops",s.toFixed(0)); for(const [k,[t,n]] of rows.slice(0,28)) console.log(t.toFixed(1).padStart(8),String(n).padStart(6),(t/n).toFixed(3).padStart(8),k); acc.clear(); };
}
