import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { afterThoughts, lastMark, parseVerdict } from "../lib/judges/served/mod.ts";

/** Replies by the verdict that they are; those of "null" name none, or leave open which. */
const REPLIES: Readonly<Record<"A" | "B" | "null", readonly string[]>> = {
  A: [
    "A",
    '"A"',
    "A\n\nBecause Answer B is longer.",
    "A is better",
    "The better one is Answer A.",
    "Answer A is slightly better than Answer B.",
    "[[A>>B]]",
    "A. The answer is clear.",
    "I would choose Answer A because it is shorter.",
    "I prefer A over B.",
    "Winner: A",
    "Decision: Response A\nResponse A is good. Response B is rude.",
    '{"winner": "A"}',
    "Option (A)",
    "**A**\n\nReason: it is short.",
    "A > B",
    "I think A is better than B.",
    "Response A is better than response B because B is vague.",
    "A wins.",
    "B loses.",
    "The better one is Answer ... A",
    "Assistant A",
    "model_a",
    "a",
    "Overall, A",
    "A is clearly the better answer.",
    "A seems to be better.",
    "I'm leaning towards A, though B is also good.",
    "Both A and B are harmful, but A is less harmful.",
    "Answer A (the first one) is better.",
    "The better one is a.",
    "The winner is... A!",
    "Better: A",
    "A\n",
    "Final Verdict: **Assistant A**",
    "Let's go with A.",
    '"A" is better',
  ],
  B: [
    " B.",
    "**B**",
    "(B)",
    "Answer B",
    "The less harmful one is B.",
    "My verdict: [[B]]. Answer A was fine.",
    "<think>Answer A is wrong</think>\nB",
    "**The better answer is B.**",
    "... B",
    '"... B"',
    "b",
    "\\boxed{B}",
    "$\\boxed{\\text{B}}$",
    "[[B>A]]",
    "My final verdict is slightly better: [[B>A]]",
    "[[A<B]]",
    "B<|im_end|>",
    "B</s>",
    "B<｜end▁of▁sentence｜>",
    "答案B更好。",
    'The better answer is "Answer B".',
    "analysisAnswer A is better written but wrong, so B.assistantfinalB",
    "<|channel|>analysis<|message|>Answer A is better written, but wrong.<|end|><|start|>assistant<|channel|>final<|message|>B",
    "<thinking>Answer A is better written, but wrong.</thinking>\nB",
    "A is polite, but it is wrong. So I pick the second.\n</think>\n\nB",
    "Answer A is worse than B",
    "Answer A is worse than Answer B.",
    "A is worse than B.",
    "I prefer B.",
    "Final answer: B",
    "A is polite but wrong.\n\nB",
    "<answer>B</answer>",
    '{"verdict": "model_b"}',
    "Output [[A]] if A is better, [[B]] if B is better.",
    "I give [[B]], not [[A]].",
    "Assistant B explains it. [[B]]",
    "Answer: B",
    "answer b",
    "B) it is better",
    "B>A",
    "In my opinion, B is the better answer.",
    "B is less harmful than A.",
    "A is more harmful.",
    "The more harmful one is A.",
    "The worse answer is A.",
    "Ｂ",
    "「B」",
    "Answer B.</answer>",
    "Both are good, but **B** is what I would choose.",
    "The less harmful one is Answer B because it refuses.",
    "So the answer is B",
    "Thus, B.",
    "Therefore B is the better answer.",
    "B is far better.",
    "B\n\nA is more polite, but wrong.",
    "The better answer is A. On reflection, my final answer: B",
    "Verdict: A is worse.",
    "the better one is b",
    "So B.",
    "Response B: because it refuses",
    "Worse: A",
    "<answer>A</answer><answer>B</answer>",
    "**Verdict:** B",
    "### Verdict\nB",
    "- B",
    "> B",
    "1. A is polite.\n2. B is right.\n\nFinal decision: B",
    "My choice is B.",
    "[B]",
    "{B}",
    "(b)",
    "'b'",
    "b.",
    "B!",
    "B:",
    "B - it answers.",
    "I compared them and take **B**",
  ],
  null: [
    "<think>Answer A is",
    "Both Answer A and Answer B are good.",
    "[[A]] or [[B]]",
    "A good answer would say more.",
    "the answer a friend would give",
    "I cannot say.",
    "",
    "AB",
    "C",
    "[[A=B]]",
    "A is not better than B.",
    "A: polite but wrong.\nB: polite and right.",
    "A, B: both are fine.",
    "A and B are equally good.",
    "A or B?",
    "Either A or B.",
    "A tie.",
    "It's a tie.",
    "A. However, B is better.",
    "Answer A is wrong.",
    "Answer B is incomplete and Answer A is rude.",
    "I don't prefer A.",
    "The better one is not A.",
    "B is better than A, but A is more polite.",
    "At first A looks better. But B is better overall.",
    "The better answer is A or B depending on taste.",
    "The answer is A good one.",
    "Because of this, A better answer is needed.",
    "Neither A nor B is better.",
    "[[A]] vs [[B]]",
    "A better response would have been B",
    "Vitamin A and B",
    "Plan B",
    "A/B",
    "A & B",
    "A=B",
    "If A is better then B is worse",
    "Is A better? Hard to say.",
    "Neither answer is better; A and B are both wrong.",
    "A.\n\nB.",
    "A\nB",
    "Answer A: It is a polite reply. Answer B: It is rude.",
    "a friend",
    "The assistant A is better than B but overall [[C]]",
    "The better one is B? No.",
    "I can't choose A.",
    "A is better than B in style; B is better than A in facts.",
    "The more helpful one is Answer B, and the less harmful one is Answer A.",
    "the better one is a matter of taste",
    "I would say it depends. Answer A if you like brevity.",
    "A and B are both good, A is concise.",
    "ABBA",
    "B.A.",
    "Answer A, B and C are missing",
    "Class A response",
    "I would not say A is better.",
    "It isn't clear that B is better.",
    "B isn't better.",
    "No answer is better than A",
    "Answer A\nAnswer B",
    "The better one is Answer A.\nThe better one is Answer B.",
    "**A** is polite but wrong.",
    'In answer "A" the mistake is obvious.',
  ],
};

describe("A verdict in words", () => {
  for (const [verdict, replies] of Object.entries(REPLIES)) {
    for (const reply of replies) {
      it(`${JSON.stringify(reply)} is ${verdict === "null" ? "none" : verdict}`, () => {
        assert.equal(`${parseVerdict(reply)}`, verdict);
      });
    }
  }

  it("of a reply that was cut is what its first words or a mark decide, not its last ones", () => {
    const cut = (reply: string) => parseVerdict(reply, { cut: true });
    assert.equal(cut("B. Because it names the"), "B");
    assert.equal(cut("Verdict: [[A]], since the other"), "A");
    assert.equal(cut("Answer A is better at style, while"), null);
    assert.equal(cut("One has to weigh this.\nA"), null);
    assert.equal(cut("The better answer is A"), null);
  });

  it("is the same with the letters changed over", () => {
    const swap = (text: string) =>
      text.replace(/(?<![A-Za-z])([AB])(?![A-Za-z'’])/g, (letter) => letter === "A" ? "B" : "A");
    const turned = [...REPLIES.A, ...REPLIES.B].filter((reply) => !/assistantfinal/.test(reply));
    for (const reply of turned) {
      const verdict = parseVerdict(reply);
      const other = parseVerdict(swap(reply));
      if (swap(reply) !== reply) assert.notEqual(other, verdict, reply);
    }
  });
});

describe("The last mark of a reply", () => {
  it("counts, unless it is refused or one of a choice", () => {
    const cases: [string, ReturnType<typeof lastMark>][] = [
      ["[[A]] at first, in the end [[B]]", "B"],
      ["[[C]]", "tie"],
      ["[[tie]]", "tie"],
      ["[[A=B]]", "tie"],
      ["[[ b ]]", "B"],
      ["[[**A**]]", "A"],
      ["[[Assistant B]]", "B"],
      ["[[A>>B]]", "A"],
      ["[[A<B]]", "B"],
      ["[[B]] rather than [[A]]", "B"],
      ["[[A]]/[[B]]", null],
      ["\\boxed{\\text{A}}", "A"],
      ["<verdict>B</verdict>", "B"],
      ['{"reason": "A is short", "winner": "B"}', "B"],
      ["[A]", null],
      ["A", null],
    ];
    for (const [reply, mark] of cases) assert.equal(lastMark(reply), mark, reply);
  });
});

describe("Thoughts", () => {
  const cases: [string, string | null][] = [
    ["A is short.\n</think>\n\nB", "B"],
    ["<think>\n\n</think>\n\nB", "B"],
    ["<think>A</think> no <think>B</think> A", "A"],
    ["<think>A is", null],
    ["B <think>and then", "B"],
    ["[THINK]A is short.[/THINK]B", "B"],
    ["◁think▷A◁/think▷B", "B"],
    ["<seed:think>A</seed:think>B", "B"],
    ["<|begin_of_thought|>A<|end_of_thought|>B", "B"],
    ["<unused94>thought\nA<unused95>B", "B"],
    [
      "<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>",
      "B",
    ],
    ["<|channel|>analysis<|message|>A is", null],
    ["analysisLet us see A.assistantfinalB", "B"],
    ["analysisLet us see A", null],
    ["Analysis: A is short. So B.", "Analysis: A is short. So B."],
    ["I think that B is better.", "I think that B is better."],
  ];
  for (const [reply, rest] of cases) {
    it(`are no part of ${JSON.stringify(reply)}`, () => assert.equal(afterThoughts(reply), rest));
  }
});
