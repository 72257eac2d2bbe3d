import { fastChatBenchmark } from "../fastchat.ts";

/** MT-Bench: 80 questions of two turns in eight categories (Zheng et al. 2023, https://arxiv.org/abs/2306.05685). */
export const MT_BENCH = fastChatBenchmark({
  name: "mt-bench",
  title: "MT-Bench",
  folder: "mt_bench",
  ours: "mt-bench",
});
