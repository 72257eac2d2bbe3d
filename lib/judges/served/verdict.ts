import { lastMark, type Letter } from "./marks.ts";
import { afterThoughts } from "./thoughts.ts";

/** What a model writes instead of a text's end, where a server does not take it away. */
const CONTROL =
  /<\|[^<>\n]{1,40}\|>|<｜[^<>\n]{1,40}｜>|<\/?s>|<\/?(?:eos|bos)>|<(?:start|end)_of_turn>|\[\/?INST\]/g;

const NOUN = "(?:answer|response|assistant|option|candidate|choice|reply|model|output|completion)";
/** A letter as an answer's name, with what may stand around it; the letter is the match's only group. */
const NAMED =
  `["'“‘「『(\\[{]*(?:the\\s+)?(?:${NOUN}[\\s_:#-]*)?["'“‘「『(\\[{]*([AB])(?![\\w'’])["'”’」』)\\]}]*`;
/** An answer's name as a sentence's subject, "Answer A (the first one)". */
const ABOUT = `${NAMED}(?:\\s*\\([^)\\n]*\\))?`;
/** What may follow a letter that ends a statement: else "A" may be an article. */
const ENDED =
  "(?=\\s*(?:$|[.,:;!?\\n(\\[—–-]|(?:because|since|as|over|due|than|instead|rather|overall|here|to\\s+[AB])\\b))";
const NOT_EITHER = "(?!\\s*(?:or|and|/|&|,)\\s*(?:" + NOUN + "\\s*)?[\"'“‘(\\[{]*[AB]\\b)";

const ADVERBS =
  "(?:(?:the|a|much|slightly|clearly|far|bit|little|significantly|marginally|overall|also|still|therefore|thus|" +
  "definitely|probably|likely|considered|deemed|judged|even|generally|really|by|lot|somewhat|considerably|" +
  "substantially|objectively|certainly|obviously|in|my|opinion)\\s+)*";
const GOOD =
  "(?:helpful|honest|truthful|obedient|accurate|correct|informative|complete|relevant|useful|polite|safe|harmless|" +
  "detailed|comprehensive|thorough|clear|precise|appropriate|open|reliable|coherent|factual)";
const BAD =
  "(?:harmful|dangerous|wrong|misleading|toxic|offensive|unsafe|dishonest|evasive|inaccurate|incorrect|vague|rude|" +
  "biased|problematic|risky)";
/** Better as a whole. */
const STRONG =
  "(?:better|best|superior|preferable|preferred|favou?red|winner|winning|更好|更优|较好)";
const POOR = "(?:worse|worst|inferior|loser|losing|更差)";
/** Better in one respect, which may be the one that is asked for. */
const ASPECT =
  `(?:stronger|strongest|more\\s+${GOOD}|most\\s+${GOOD}|less\\s+${BAD}|least\\s+${BAD}|safer|clearer)`;
const FLAW = `(?:weaker|weakest|less\\s+${GOOD}|least\\s+${GOOD}|more\\s+${BAD}|most\\s+${BAD})`;
const BETTER = `(?:${STRONG}|${ASPECT})`;
const WORSE = `(?:${POOR}|${FLAW})`;
/** After "better": only so, or only in this. */
const PARTLY =
  "(?![\\s-]+(?:written|formatted|structured|explained|organi[sz]ed|worded|phrased|at|if|when|in\\s+(?!every|all|general|overall|my))\\b)";
/** Says that what went before is not the whole. */
const CONTRAST =
  /\b(?:but|however|although|though|while|whereas|yet|nevertheless|on\s+the\s+other\s+hand)\b/i;
const BE =
  "(?:is|are|was|seems|appears|looks|would\\s+be|should\\s+be|remains|gives|provides|has)(?:\\s+to\\s+be)?";
const DECIDED =
  "(?:verdict|decision|winner|conclusion|judge?ment|preference|final\\s+(?:answer|choice|decision)|my\\s+(?:answer|choice|pick|vote)|选择)";

/** A form of statement: what it looks like, and whether it names the better answer or the worse one. */
type Form = readonly [pattern: RegExp, names: "better" | "worse"];

const form = (
  source: string,
  names: Form[1] = "better",
): Form => [new RegExp(source, "gim"), names];

/** Statements that decide, which have to agree. */
const DECISIONS: readonly Form[] = [
  form(
    `\\b${BETTER}\\s*(?:one|answer|response|option|choice|reply|assistant|of\\s+the\\s+two)?\\s*(?:here\\s+|overall\\s+)?(?:is|was|would\\s+be|:|=|->|→)[\\s:.…]*${NAMED}${ENDED}${NOT_EITHER}`,
  ),
  form(
    `\\b${WORSE}\\s*(?:one|answer|response|option|choice|reply|assistant|of\\s+the\\s+two)?\\s*(?:is|was|would\\s+be|:|=)[\\s:.…]*${NAMED}${ENDED}${NOT_EITHER}`,
    "worse",
  ),
  form(
    `\\b(?:choose|pick|prefer|select|vote\\s+for|go(?:ing)?\\s+with|favou?r|lean(?:ing)?\\s+(?:to|towards?))[\\s:]+${NAMED}${ENDED}${NOT_EITHER}`,
  ),
];

/** Statements that end a deliberation: the last one counts, whatever was said before. */
const FINALS: readonly Form[] = [
  form(`${DECIDED}\\s*(?:is|:|=|-+>?|→|goes\\s+to)?[\\s:.…]*${NAMED}${ENDED}${NOT_EITHER}`),
  form(
    `(?:\\bthe\\s+(?:answer|choice)\\s+is|^(?:answer|choice)\\s*[:=])[\\s:.…]*${NAMED}${ENDED}${NOT_EITHER}`,
  ),
  form(
    `\\b(?:overall|thus|therefore|hence|so|finally|in\\s+conclusion)[\\s,:]+${NAMED}${ENDED}${NOT_EITHER}`,
  ),
];

/** Statements about one answer: they count where all of them agree. */
const STATEMENTS: readonly Form[] = [
  form(`${ABOUT}\\s+${BE}\\s+${ADVERBS}${STRONG}${PARTLY}`),
  form(`${ABOUT}\\s+${BE}\\s+${ADVERBS}${POOR}${PARTLY}`, "worse"),
  form(
    `${ABOUT}\\s+is\\s+(?:what|the\\s+one)\\s+(?:that\\s+)?I(?:\\s+would|['’]d)?\\s+(?:choose|pick|prefer)`,
  ),
  form(`${ABOUT}\\s+is\\s+(?:my|the)\\s+(?:choice|pick|preference|answer|verdict)\\b`),
  form(`${NAMED}\\s*(?:更好|更优|较好|胜)`),
  form(
    `${ABOUT}\\s+(?:clearly\\s+|slightly\\s+|easily\\s+)?(?:wins|beats|outperforms|surpasses)\\b`,
  ),
  form(`${ABOUT}\\s+(?:clearly\\s+)?loses\\b`, "worse"),
];

/** Statements about one respect: they count where no other is set against it. */
const ASPECTS: readonly Form[] = [
  form(`${ABOUT}\\s+${BE}\\s+${ADVERBS}${ASPECT}`),
  form(`${ABOUT}\\s+${BE}\\s+${ADVERBS}${FLAW}`, "worse"),
];

/** In what stands before a statement's letter or its predicate, turns it around or takes it back. */
const DENIED = /\b(?:not|never|no|neither|nor|cannot|hardly)\b|n['’]t\b/i;

/** A condition earlier in the sentence, but for "if I had to choose". */
const CONDITION = /\b(?:if(?!\s+I\s+(?:had|have|must|were|need))|unless|whether|should\s+you)\b/i;

/** A reply that says of both answers together that neither is better, and nothing else. */
const TIED = new RegExp(
  `^\\W*(?:(?:it|this|they|both(?:\\s+answers)?|(?:the\\s+)?(?:two\\s+)?answers|` +
    `(?:answer\\s+)?[AB]\\s+and\\s+(?:answer\\s+)?[AB]|(?:the\\s+)?(?:answer|verdict|result))` +
    `(?:['’](?:s|re)|\\s+(?:is|are)|:)\\s+)?(?:an?\\s+)?(?:tie|draw|equal|equally\\s+(?:good|bad|${GOOD}))\\W*$|` +
    `^\\W*[AB]\\s*=+\\s*[AB]\\W*$`,
  "i",
);

const other = (letter: Letter): Letter => letter === "A" ? "B" : "A";

/**
 * The letter that a reply in words decides for, "tie" where it says that neither is better, or null where it names none
 * or both.
 *
 * Thoughts before the reply, control tokens and emphasis are left out. The first of these that is there counts: the
 * last mark, see {@linkcode lastMark}; the reply or its first or last line as one letter; the last statement that
 * decides ("the better one is B", "verdict: A", "I prefer B"); statements about an answer ("A is better", "B is worse")
 * where all agree; a letter in bold at the end, or after "is" or a colon there. Where two of them differ, or a letter may be an article or one of
 * two that are named, there is no verdict.
 *
 * @param options.cut Whether the reply ends before its end: then its last words decide nothing. @default false
 *
 * @example
 * ```ts
 * import { parseVerdict } from "./verdict.ts";
 * parseVerdict("**The better answer is B.**"); // "B"
 * parseVerdict("Answer A is worse than answer B."); // "B"
 * parseVerdict("[[C]]"); // "tie"
 * parseVerdict("A good answer would say more."); // null
 * ```
 */
export function parseVerdict(
  reply: string,
  { cut = false }: { readonly cut?: boolean } = {},
): Letter | "tie" | null {
  const rest = afterThoughts(reply, (text) => verdictIn(text, cut) !== null);
  return rest === null ? null : verdictIn(rest, cut);
}

/** The verdict of a reply without thoughts. */
function verdictIn(reply: string, cut: boolean): Letter | "tie" | null {
  const marked = reply.normalize("NFKC").replace(CONTROL, "").trim();
  const mark = lastMark(marked);
  if (mark !== null) return mark;
  if (/\[\[\s*[ABC]\s*\]\]/.test(marked)) return null; // marks that take each other back
  const text = marked.replace(/[*`_]+/g, "").replace(/^\s*[>#-]+\s+/gm, "").trim();

  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!cut && TIED.test(text)) return "tie";
  const single = lines.length === 1 ? letterOf(lines[0], "gi") : null;
  if (single !== null) return single;
  const [first, last] = [leading(text, lines), cut ? null : letterOf(lines.at(-1) ?? "", "g")];
  const begun = letterOf(lines[0] ?? "", "g");
  if (begun !== null && last !== null && begun !== last) return null;
  const final = found(text, FINALS, cut).slice(-1);
  const decided = final.length > 0 ? final : found(text, DECISIONS, cut);
  const firm = [first, last, ...decided].filter((letter) => letter !== null);
  const statements = cut ? [] : [...found(text, STATEMENTS, cut), ...aspects(text)];
  // A letter before a comma may be of a list that goes on; one that has the first line is no such thing.
  if (firm.length > 0) return agreed(begun === null && first ? [...firm, ...statements] : firm);
  if (statements.length > 0) return agreed(statements);
  if (cut) return null;
  const ended = new RegExp(
    `(?:\\bis|[:…=]|\\.{3}|->|→)[\\s:.…]*${NAMED}["'”’」』)\\]}]*[.!]*["'”’]*$`,
  ).exec(text);
  if (ended !== null && !deniedIn(text, ended.index)) return ended[1] as Letter;
  return /\*\*(?:Answer |Response )?([AB])[.!]?\*\*[.!]?$/.exec(marked)?.[1] as Letter ?? null;
}

/** The one letter of a list, or null where it has none or both. */
function agreed(letters: readonly Letter[]): Letter | null {
  const [one, ...more] = new Set(letters);
  return one === undefined || more.length > 0 ? null : one;
}

/** The letter of a line that is nothing but an answer's name, "(B)", "Answer A.", "... b", or of "B > A". */
function letterOf(line: string, flags: "g" | "gi"): Letter | null {
  const i = flags.replace("g", "");
  const [, name] = new RegExp(
    `^[\\s"'“‘「『(.…:]*(?:[Tt]he\\s+)?(?:${nouns}[\\s_:#-]*)?["'“‘「『(\\[{]*([AB])["'”’」』)\\]}]*[\\s.!,;:…"'”’」』]*$`,
    i,
  ).exec(line) ?? [];
  if (name !== undefined) return name.toUpperCase() as Letter;
  const [, over] =
    /^\W*([AB])\s+(?:is\s+)?(?:better\s+than|over|beats|instead\s+of|rather\s+than)\s+(?!\1)[AB]\W*$/
      .exec(line) ?? [];
  if (over !== undefined) return over as Letter;
  const [, one, sign] = /^\W*([AB])\s*([<>])\2*\s*(?!\1)[AB]\W*$/.exec(line) ?? [];
  if (one === undefined) return null;
  return sign === ">" ? one as Letter : other(one as Letter);
}

const nouns = `(?:${NOUN.slice(3, -1)}|${
  NOUN.slice(3, -1).split("|").map((word) => word[0].toUpperCase() + word.slice(1)).join("|")
})`;

/** The letter that a reply begins with, unless it goes on to speak of the other in the same way. */
function leading(text: string, lines: readonly string[]): Letter | null {
  const own = lines.length > 1 ? letterOf(lines[0], "g") : null;
  const [, begun] = new RegExp(
    `^["'“‘「『(\\[{]*(?:${nouns}\\s*)?([AB])["'”’」』)\\]}]*(?:[.,:;!)]|\\s+[—–-]+\\s|\\s+because\\b)`,
  )
    .exec(text) ?? [];
  const letter = own ?? (begun as Letter | undefined) ?? null;
  if (letter === null) return null;
  const both = new RegExp(
    `(?:^|[\\n,;.])\\s*(?:and|or)?\\s*["'“‘「『(\\[{]*(?:${nouns}\\s*)?${
      other(letter)
    }["'”’」』)\\]}]*\\s*(?:$|[.,:;!)\\n]|(?:and|or)\\b)`,
  );
  return both.test(text.slice(1)) ? null : letter;
}

/** What statements of these forms name, in the order of the text; those that are denied say nothing. */
function found(text: string, forms: readonly Form[], cut: boolean): Letter[] {
  return forms.flatMap(([pattern, names]) =>
    [...text.matchAll(pattern)].filter(({ index, 0: statement, 1: letter }) => {
      // Case matters for the letter, not for the words around it: "the answer a friend would give".
      const ends = /^\W*$/.test(text.slice(index + statement.length));
      const sure = cut ? !ends && /[AB]/.test(letter) : ends || /[AB]/.test(letter);
      return sure && !deniedIn(text, index, statement);
    }).map(({ index, 1: letter }) => {
      const named = letter.toUpperCase() as Letter;
      return { index, letter: names === "better" ? named : other(named) };
    })
  ).sort((one, two) => one.index - two.index).map(({ letter }) => letter);
}

/** What statements about one respect name; where a contrast follows them, they say nothing by themselves. */
function aspects(text: string): Letter[] {
  const contrast = [...text.matchAll(new RegExp(CONTRAST, "gi"))].at(-1)?.index ?? 0;
  const after = found(text.slice(contrast), ASPECTS, false);
  return after.length === 0 ? [] : [...found(text.slice(0, contrast), ASPECTS, false), ...after];
}

/** Whether a statement, or what comes before it in its clause, denies it or only asks. */
function deniedIn(text: string, at: number, statement = ""): boolean {
  const clause = text.slice(0, at).split(/[.!?;:,\n]|\b(?:but|so|and|because|while)\b/i).at(-1)!;
  const sentence = text.slice(0, at).split(/[.!?\n]/).at(-1)!;
  return DENIED.test(clause + statement) || CONDITION.test(sentence) ||
    /^[^.!\n]*\?/.test(text.slice(at));
}
