import { type Pair, readPairs } from "../../preference/mod.ts";
import { UserError } from "../../base/error.ts";
import type { World, WorldPairs } from "../study/world.ts";
import { UNPAID } from "./lists.ts";
import { requestedWords } from "./prompts.ts";
import { knownWords, LENGTH, readSentence, sentenceReward } from "./reward.ts";
import { VOCABULARY } from "./vocabulary.ts";

/** Where the world's pairs, its principle and its recipe are. */
export const SENTENCES_FOLDER = "data/sentences";

/** What sentences do or fail to do; each costs reward. */
const HABITS: World["habits"] = {
  "leaves a word out": (request, answer) => {
    const { asked, present } = readSentence(request, answer);
    return present < asked;
  },
  "leaves out every form of its verb": (request, answer) => {
    const verbs = requestedWords(request).filter((word) => VOCABULARY.verb.has(word));
    const present = knownWords(answer);
    return verbs.some((verb) => !present.has(verb));
  },
  "not one sentence": (request, answer) => !readSentence(request, answer).sentence,
  "shorter than six words": (request, answer) =>
    readSentence(request, answer).length < LENGTH.least,
  "longer than fifteen": (request, answer) => readSentence(request, answer).length > LENGTH.most,
};

/** Words in a sentence with the committed pairs. */
export const SENTENCES: World = {
  name: "sentences",
  reward: sentenceReward,
  clear: 0.39, // rewards are sums of twentieths and thirds: 0.4 or more
  habits: HABITS,
  unpaid: UNPAID,
  pairs: sentencePairs,
  limits: {
    batchTokens: 1024,
    maxTokens: 128,
    maxNewTokens: 40,
    judgeTokens: 320,
    batchRows: 16,
  },
};

async function sentencePairs(which: WorldPairs): Promise<Pair[]> {
  if (which === "principles") {
    throw new UserError(
      "no pairs of this world are labelled by points of view",
      "ask for train, validation or held_out",
    );
  }
  return await Array.fromAsync(
    readPairs(`${SENTENCES_FOLDER}/${which}.csv`, { onBadLine: "fail" }),
  );
}
