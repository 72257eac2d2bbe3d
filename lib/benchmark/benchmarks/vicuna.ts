import { fastChatBenchmark } from "../fastchat.ts";

/** Vicuna's 80 questions of one turn in nine categories (https://lmsys.org/blog/2023-03-30-vicuna). */
export const VICUNA = fastChatBenchmark({
  name: "vicuna",
  title: "Vicuna",
  folder: "vicuna_bench",
  ours: "vicuna-bench",
});
