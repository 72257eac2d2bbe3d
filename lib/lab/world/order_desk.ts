import type { World } from "../study/world.ts";
import { DATA_FOLDER, deskPairs } from "./data.ts";
import { readAnswer, type Reading, reward } from "./reward.ts";

/** What answers of the order desk do or fail to do. */
const HABITS: Readonly<Record<string, (reading: Reading) => boolean>> = {
  "leaves a thing out": ({ covered, requested }) => covered < requested,
  "adds a thing": ({ stray }) => stray > 0,
  "names one twice": ({ repeats }) => repeats > 0,
  "chatters": ({ fillers }) => fillers > 0,
  "is rude": ({ rude }) => rude,
  "is malformed": ({ wellFormed }) => !wellFormed,
  "is polite": ({ polite }) => polite,
};

/** The order desk. @param folder of its pairs, default `data/world` */
export function orderDesk(folder = DATA_FOLDER): World {
  return {
    name: "order-desk",
    reward,
    clear: 0.3,
    habits: Object.fromEntries(
      Object.entries(HABITS).map(([name, has]) => [
        name,
        (request: string, answer: string) => has(readAnswer(request, answer)),
      ]),
    ),
    pairs: (which) => deskPairs(which, folder),
    limits: {
      batchTokens: 4096, // larger batches were no faster on 2 cores
      maxTokens: 128,
      maxNewTokens: 40,
      judgeTokens: 255,
      batchRows: 256,
    },
  };
}

/** The order desk with its committed pairs. */
export const ORDER_DESK: World = orderDesk();
