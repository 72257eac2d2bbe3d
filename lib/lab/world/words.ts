/**
 * The words of the order desk, the small world with a known reward: a guest orders two to four things,
 * the desk confirms in one sentence.
 *
 * @module
 */

/** What can be ordered. */
export const ITEMS = (
  "tea coffee milk water juice cocoa wine beer soup salad bread rice pasta pizza fish beans eggs cheese " +
  "ham toast apples figs plums pears grapes dates nuts cake pie jam honey olives corn leeks kale oats " +
  "cream tofu chips lamb"
).split(" ");

/** How a guest begins and ends a request; the list of things stands between. */
export const REQUESTS: readonly (readonly [string, string])[] = [
  ["i would like", "."],
  ["we want", "please ."],
  ["please bring us", "."],
  ["could i have", "?"],
];

/** Ways to start an answer politely and rudely. */
export const OPENINGS = {
  polite: ["certainly ,", "of course ,", "with pleasure ,"],
  rude: ["ugh ,", "if you must ,", "what now ?"],
} as const;

/** Words before the list in a confirmation. */
export const LEADS: readonly string[] = ["here come", "you get", "coming up :"];

/** Chatter that says nothing of the request. */
export const FILLERS: readonly string[] = [
  "you know ,",
  "as always ,",
  "to be honest ,",
  "so well ,",
];

/** Ways to end an answer politely and rudely. */
export const CLOSINGS = {
  polite: ["enjoy !", "thank you !"],
  rude: ["now go away .", "do not ask again ."],
} as const;

/** Numbers up to what an answer can count. */
export const NUMBERS: readonly string[] = ["zero", "one", "two", "three", "four", "five", "six"];

/** Marks of turns and ends, each one token. */
export const SPECIAL = {
  pad: "<|pad|>",
  unknown: "<|unknown|>",
  user: "<|user|>",
  assistant: "<|assistant|>",
  end: "<|end|>",
} as const;

/** Words of questions about answers: judging, and the reading exercises of the base model. */
const QUESTION_WORDS =
  "A B same answer which is better names more adds less polite has chatter form " +
  "missing extra repeated manners rude plain good bad review compare ordered again";

/** Every token of the world, in the order of their ids. */
export const VOCABULARY: readonly string[] = [
  ...new Set([
    ...Object.values(SPECIAL),
    ...", . ! ? : and".split(" "),
    ...ITEMS,
    ...[...REQUESTS.flat(), ...LEADS, ...FILLERS].flatMap((text) => text.split(" ")),
    ...[OPENINGS, CLOSINGS].flatMap(({ polite, rude }) =>
      [...polite, ...rude].flatMap((text) => text.split(" "))
    ),
    ...NUMBERS,
    ...QUESTION_WORDS.split(" "),
  ]),
];
