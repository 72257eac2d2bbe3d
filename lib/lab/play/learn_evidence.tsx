/** @jsxImportSource preact */
/// <reference lib="dom" />
/** What the judge cannot see, and what the model says by now. @module */
import { blindSpots } from "./blind_spots.ts";
import type { Shared } from "./shared.ts";
import { signed } from "./parts.tsx";

/** Answers that are shown before and after. */
const SHOWN = 5;

export function LearnEvidence({ steps, points }: Pick<Shared, "steps" | "points">) {
  const [first, now] = [points[0], points.at(-1)];
  if (!now) {
    return (
      <p class="say">
        Press “One step” or “Run”: what the model does wrong, and what of it the judge misses, is
        shown here.
      </p>
    );
  }
  const spots = blindSpots(steps);
  return (
    <>
      <div class="evidence">
        <div class="scroll" tabIndex={0} role="region" aria-label="Flaws of the answers">
          <table>
            <caption>Which flaw does the judge miss?</caption>
            <thead>
              <tr>
                <th scope="col">An answer …</th>
                <th scope="col">at step 0</th>
                <th scope="col">at step {now.step}</th>
                <th scope="col" class="words">judge preferred it so</th>
              </tr>
            </thead>
            <tbody>
              {Object.keys(now.habits).map((habit) => {
                const { pairs, preferred } = spots.get(habit) ?? { pairs: 0, preferred: 0 };
                const flaw = habit !== "is polite";
                const misses = flaw && pairs >= 4 && preferred / pairs > 0.5;
                return (
                  <tr key={habit} class={misses ? "misses" : ""}>
                    <th scope="row">{habit}{flaw ? "" : " (a merit)"}</th>
                    <td>{percent(first.habits[habit])}</td>
                    <td>{percent(now.habits[habit])}</td>
                    <td class="words">
                      {pairs === 0 ? "–" : `${preferred} of ${pairs} pairs`}
                      {misses ? " ✗" : ""}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
        <p class="of">
          Shares of 48 answers. The last column counts the pairs of the last 10 steps in which just
          one of the two answers is so. ✗: of a flaw, more often preferred than not; a judge that
          saw it would do the opposite.
        </p>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Answers at step 0 and now">
        <table class="answers">
          <caption>The same orders, before and now</caption>
          <thead>
            <tr>
              <th scope="col">Order</th>
              <th scope="col">At step 0, true reward</th>
              <th scope="col">At step {now.step}, true reward</th>
            </tr>
          </thead>
          <tbody>
            {now.answers.slice(0, SHOWN).map(({ request, text, reward }, i) => (
              <tr key={request}>
                <th scope="row">{request}</th>
                <td>
                  {first.answers[i].text} <b class="number">{signed(first.answers[i].reward)}</b>
                </td>
                <td>
                  {text} <b class="number">{signed(reward)}</b>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Differences that 48 answers can show. */
const CLEAR = 0.1;

/** In a sentence: do the judge's opinion and the truth go together? */
export function Conclusion({ points }: Pick<Shared, "points">) {
  const [first, now] = [points[0], points.at(-1)];
  if (now === undefined || now.step === 0) return null;
  const best = points.reduce((a, b) => b.reward > a.reward ? b : a);
  const believes = now.winRate > 0.6;
  const gain = now.reward - first.reward;
  const lost = best.reward - now.reward;
  const words = lost > 2 * CLEAR && believes
    ? `Over-optimised: the judge prefers ${
      percent(now.winRate)
    } of the answers, yet the true reward has fallen by ${
      lost.toFixed(2)
    } since step ${best.step}. The model has learned what the judge cannot see.`
    : gain > CLEAR && believes
    ? `So far both agree: the judge prefers ${
      percent(now.winRate)
    } of the answers to those of step 0, and the true reward has risen by ${gain.toFixed(2)}.`
    : believes
    ? `The judge prefers ${
      percent(now.winRate)
    } of the answers, but the true reward has changed by only ${
      signed(gain, 2)
    }. Look at the table: what does it reward?`
    : gain < -CLEAR
    ? `The answers have become worse by ${
      (-gain).toFixed(2)
    }, and the judge does not like them either: the steps were too large.`
    : "Not yet clear: a few more steps.";
  return (
    <p class={`conclusion ${lost > 2 * CLEAR && believes ? "alarm" : ""}`} aria-live="polite">
      {words}
    </p>
  );
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
