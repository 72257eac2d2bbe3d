/**
 * Judges behind an OpenAI-compatible server.
 *
 * One such server for the default model, in one line (llama.cpp, compiled by pip in some minutes):
 *
 *     pip install 'llama-cpp-python[server]' && python -m llama_cpp.server --logits_all true --model_alias smollm2 --port 8000 --model .engine/model/SmolLM2-135M-Instruct.Q4_1.gguf
 *
 * It is judged by as `deno task judge --judge served:http://127.0.0.1:8000/v1,model=smollm2,api=completions`;
 * with `SELF_JUDGE_SERVER=http://127.0.0.1:8000/v1` set, `deno task test` tests against it.
 *
 * @module
 */
export * from "./characters.ts";
export * from "./client.ts";
export * from "./fault.ts";
export * from "./fault_kind.ts";
export * from "./judge.ts";
export * from "./marks.ts";
export * from "./refusal.ts";
export * from "./reply.ts";
export * from "./scorer.ts";
export * from "./spec.ts";
export * from "./thoughts.ts";
export * from "./verdict.ts";
export * from "./wire.ts";
export * from "./wording.ts";
