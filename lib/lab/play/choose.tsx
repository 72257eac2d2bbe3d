/** @jsxImportSource preact */
/// <reference lib="dom" />
/** Choose: N answers play a knockout, and then the truth is told. @module */
import { useRef, useState } from "preact/hooks";
import type { Choice } from "./api.ts";
import { bracketRounds } from "./bracket_rounds.ts";
import type { Shared } from "./shared.ts";
import { Failure, messageOf, orderFault, OrderField, signed } from "./parts.tsx";

const COUNTS = [4, 8, 16] as const;
/** Time that a round stays before the next one is shown, in ms. */
const ROUND_MS = 1400;

export function ChoosePanel({ client, request, setRequest, setAnswers, steps }: Shared) {
  const [count, setCount] = useState<number>(8);
  const [choice, setChoice] = useState<(Choice & { request: string }) | null>(null);
  const [shown, setShown] = useState(0);
  const [truth, setTruth] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  const seed = useRef(3);

  const play = async () => {
    setBusy(true);
    setFailure("");
    setTruth(false);
    setChoice(null);
    try {
      const found = await client.api.choose(request, { count, seed: seed.current++ });
      setChoice({ ...found, request });
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      for (let round = still ? roundsOf(found) : 0; round <= roundsOf(found); round++) {
        setShown(round);
        if (!still && round < roundsOf(found)) {
          await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
        }
      }
    } catch (error) {
      setFailure(messageOf(error));
    }
    setBusy(false);
  };

  const over = choice !== null && shown >= roundsOf(choice);
  return (
    <>
      <p class="say">
        The model, after <b>{steps.length}</b>{" "}
        steps, draws several answers to one order. They play a knockout: the judge compares two at a
        time, and the winner goes on. Does it find the best one?
      </p>
      <OrderField
        {...{ id: "choose-order", request, requests: client.requests, disabled: busy }}
        setRequest={(next) => {
          setRequest(next);
          setAnswers(["", ""]);
        }}
      />
      <div class="buttons">
        <fieldset class="segments">
          <legend>Answers</legend>
          {COUNTS.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="count"
                checked={count === one}
                disabled={busy}
                onChange={() => setCount(one)}
              />
              {one}
            </label>
          ))}
        </fieldset>
        <button
          type="button"
          class="main"
          disabled={busy || orderFault(request) !== ""}
          onClick={play}
        >
          {busy ? "Playing …" : "Play the knockout"}
        </button>
        <button
          type="button"
          disabled={!over}
          aria-pressed={truth}
          onClick={() => setTruth(!truth)}
        >
          {truth ? "Hide the truth" : "Show the truth"}
        </button>
      </div>
      <Failure text={failure} />
      <p class="conclusion" role="status">{choice && over ? outcome(choice, truth) : ""}</p>
      {choice && <BracketView choice={choice} shown={shown} truth={truth} />}
    </>
  );
}

const roundsOf = ({ bracket }: Choice): number => bracketRounds(bracket).length;

/** How the judge's choice compares, in words. */
function outcome({ bracket, rewards }: Choice, truth: boolean): string {
  const won = `Answer ${bracket.winner + 1} wins: “${bracket.candidates[bracket.winner]}”`;
  if (!truth) return `${won} Is it the best? Show the truth.`;
  const mine = rewards[bracket.winner];
  const better = rewards.filter((reward) => reward > mine + 1e-9).length;
  const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
  return `${won} Its true reward is ${signed(mine, 2)}; ${
    better === 0
      ? "no answer is better"
      : `${better} of ${rewards.length} are better, the best has ${signed(Math.max(...rewards), 2)}`
  }. One answer drawn at random would have ${signed(mean, 2)}.`;
}

/** The rounds side by side; those to come are not drawn yet. */
function BracketView(
  { choice: { bracket, rewards }, shown, truth }: { choice: Choice; shown: number; truth: boolean },
) {
  const drawn = bracketRounds(bracket);
  const rounds = drawn.length;
  const best = Math.max(...rewards);
  const entry = (candidate: number, state: "" | "won" | "lost", p?: number) => (
    <li key={candidate} class={`entry ${state}`}>
      <span class="seed">{candidate + 1}</span>
      <span class="text">{bracket.candidates[candidate]}</span>
      <span class="worth number">
        {p !== undefined && <span title="the judge's preference">J {p.toFixed(2)}</span>}
        {truth && (
          <span class={`true ${rewards[candidate] >= best - 1e-9 ? "best" : ""}`}>
            true {signed(rewards[candidate], 2)}
          </span>
        )}
      </span>
    </li>
  );
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="The knockout, round by round">
      <ol class="bracket">
        {drawn.map((matches, i) => ({ matches, round: i + 1 })).map(({ matches, round }) => (
          <li key={round} class={`round ${round <= shown + 1 ? "in" : ""}`}>
            <h3>{round === rounds ? "Final" : `Round ${round}`}</h3>
            {round <= shown + 1 &&
              matches.map((match) => {
                const played = round <= shown;
                const p = match.judgment?.pFirst;
                return (
                  <ul
                    key={match.first}
                    class="match"
                    aria-label={`Answer ${match.first + 1} against ${match.second + 1}`}
                  >
                    {[match.first, match.second].map((one, nth) =>
                      entry(
                        one,
                        !played ? "" : match.winner === one ? "won" : "lost",
                        played && p !== undefined ? (nth === 0 ? p : 1 - p) : undefined,
                      )
                    )}
                    {played && p === undefined && (
                      <li class="of">the same words: no judge needed</li>
                    )}
                  </ul>
                );
              })}
          </li>
        ))}
        {shown >= rounds && (
          <li class="round in">
            <h3>Chosen</h3>
            <ul class="match">{entry(bracket.winner, "won")}</ul>
          </li>
        )}
      </ol>
      <p class="of">
        Below each answer: J, the judge's preference in that match{truth
          ? ", then the true reward (the best one framed)"
          : ""}.
      </p>
    </div>
  );
}
