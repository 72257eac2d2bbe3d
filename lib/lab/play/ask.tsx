/** @jsxImportSource preact */
/// <reference lib="dom" />
/** Ask: two answers of the policy, the judge's verdict on them, and the truth. @module */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Verdict } from "./api.ts";
import { heard } from "./client.ts";
import type { Shared } from "./shared.ts";
import {
  Bar,
  Failure,
  messageOf,
  More,
  orderFault,
  OrderField,
  signed,
  Truth,
  unknownWords,
} from "./parts.tsx";

/** A token as it was drawn. */
interface Drawn {
  readonly token: string;
  readonly probability: number;
}

const NAMES = ["first", "second"] as const;

export function AskPanel({ client, request, setRequest, answers, setAnswers, steps }: Shared) {
  const [drawing, setDrawing] = useState<readonly [Drawn[], Drawn[]] | null>(null);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [failure, setFailure] = useState("");
  const seed = useRef(7);
  const fault = orderFault(request);

  async function ask() {
    setFailure("");
    setVerdict(null);
    const rows: [Drawn[], Drawn[]] = [[], []];
    setDrawing(rows);
    try {
      const shown = setInterval(() => setDrawing([[...rows[0]], [...rows[1]]]), 60);
      const hear = heard((sample, token, probability) => {
        rows[sample].push({ token, probability });
      });
      const [first, second] = await client.api.ask(request, { seed: seed.current++ }, hear)
        .finally(() => clearInterval(shown));
      await reveal(rows, setDrawing);
      setAnswers([first, second]);
    } catch (error) {
      setFailure(messageOf(error));
    }
    setDrawing(null);
  }

  // The verdict follows the answers, also while they are edited.
  useEffect(() => {
    if (answers.every((answer) => answer === "") || fault !== "") return setVerdict(null);
    if (answers.some((answer) => answer.trim() === "" || tooLong(answer))) return setVerdict(null);
    let stale = false;
    const wait = setTimeout(async () => {
      try {
        const found = await client.api.judge(request, ...answers);
        if (!stale) setVerdict(found);
      } catch (error) {
        if (!stale) setFailure(messageOf(error));
      }
    }, 200);
    return () => {
      stale = true;
      clearTimeout(wait);
    };
  }, [answers, request]);

  return (
    <>
      <p class="say">
        Order something. The model, after <b>{steps.length}</b>{" "}
        steps of learning, draws two answers; its frozen copy from step 0 judges them. Then change
        an answer and watch the verdict move.
      </p>
      <OrderField
        {...{ id: "ask-order", request, requests: client.requests, disabled: drawing !== null }}
        setRequest={(next) => {
          setRequest(next);
          setAnswers(["", ""]);
        }}
      />
      <button type="button" class="main" disabled={drawing !== null || fault !== ""} onClick={ask}>
        {drawing ? "Drawing …" : "Draw two answers"}
      </button>
      <Failure text={failure} />
      <div class="pair">
        {NAMES.map((name, i) => (
          <article key={name} class="card">
            <h3>{name === "first" ? "First answer" : "Second answer"}</h3>
            {drawing
              ? (
                <p class="drawn">
                  {drawing[i].map(({ token, probability }, at) => (
                    <span key={at} style={{ opacity: 0.45 + 0.55 * probability }}>
                      {token === "<|end|>" ? "" : `${token} `}
                    </span>
                  ))}
                </p>
              )
              : (
                <textarea
                  aria-label={`Text of the ${name} answer`}
                  rows={3}
                  spellcheck={false}
                  placeholder="Press the button, or write an answer of your own."
                  value={answers[i]}
                  onInput={(event) => {
                    const text = event.currentTarget.value;
                    setAnswers(i === 0 ? [text, answers[1]] : [answers[0], text]);
                  }}
                />
              )}
            <p class="fault">{answerFault(answers[i])}</p>
            {verdict && <Truth truth={i === 0 ? verdict.first : verdict.second} />}
          </article>
        ))}
      </div>
      {verdict && <VerdictCard verdict={verdict} />}
    </>
  );
}

const MOST_WORDS = 60;
const tooLong = (text: string) => text.split(/\s+/).length > MOST_WORDS;

function answerFault(text: string): string {
  if (tooLong(text)) return `More than ${MOST_WORDS} words are more than the judge can read.`;
  const unknown = unknownWords(text);
  return unknown.length === 0 ? "" : `Words that the model has never seen: ${unknown.join(", ")}`;
}

/** Shows the tokens one by one where the engine was faster than the eye. */
async function reveal(
  rows: readonly [Drawn[], Drawn[]],
  show: (rows: readonly [Drawn[], Drawn[]]) => void,
): Promise<void> {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (let shown = 1; shown <= Math.max(rows[0].length, rows[1].length); shown++) {
    show([rows[0].slice(0, shown), rows[1].slice(0, shown)]);
    await new Promise((resolve) => setTimeout(resolve, 45));
  }
}

/** What the judge says in both positions, and whether the truth agrees. */
function VerdictCard({ verdict: { judgment, first, second } }: { verdict: Verdict }) {
  const { forward, backward, pFirst, winner, consistent } = judgment;
  const gap = first.reward - second.reward;
  const better = Math.abs(gap) < 1e-9 ? "tie" : gap > 0 ? "first" : "second";
  const agrees = better === "tie" || winner === better;
  const share = ({ a, b }: { a: number; b: number }) => a / (a + b);
  return (
    <article class={`card verdict ${agrees ? "" : "wrong"}`} aria-live="polite">
      <h3>The judge's verdict</h3>
      <Bar label="First answer shown as A" share={share(forward)} left="first" right="second" />
      <Bar
        label="First answer shown as B"
        share={1 - share(backward)}
        left="first"
        right="second"
      />
      <p class="sum">
        <span>
          J = <b class="number">{pFirst.toFixed(2)}</b>{" "}
          <span class="of">
            the judge's preference for the first answer, both positions together
          </span>
        </span>
        <span>
          True difference <b class="number">{signed(gap, 2)}</b>{" "}
          <span class="of">first minus second</span>
        </span>
      </p>
      <p class="conclusion">
        {better === "tie" ? "" : agrees ? "✓ " : "✗ "}
        {winner === "tie"
          ? "The judge sees no difference. "
          : `The judge prefers the ${winner} answer. `}
        {better === "tie"
          ? "In truth they are worth the same."
          : agrees
          ? "So does the truth."
          : `In truth the ${better} one is better: here the judge is wrong.`}
        {consistent ? "" : " Its two positions disagree: which answer stands first decides."}
      </p>
      <More title="How to read this">
        <p>
          The judge is the same network. It reads the order and both answers, A and B, and its next
          token is the verdict: the bars show its probability of one label against the other. Judges
          favour a position, so it is asked twice, with the answers swapped, and the two are
          averaged.
        </p>
      </More>
    </article>
  );
}
