/** @jsxImportSource preact */
/// <reference lib="dom" />
/** Learn: the policy samples, the judge ranks, DPO learns, live. @module */
import { useEffect, useRef, useState } from "preact/hooks";
import { Chart } from "./chart.tsx";
import { LearnControls } from "./learn_controls.tsx";
import { Conclusion, LearnEvidence } from "./learn_evidence.tsx";
import type { Shared } from "./shared.ts";
import { Failure, messageOf } from "./parts.tsx";

/** Steps between measurements on held-out orders. */
const MEASURE_EVERY = 5;

type Doing = "nothing" | "step" | "run" | "measure" | "reset";

const WORDS: Readonly<Record<Doing, string>> = {
  nothing: "Paused",
  step: "One step: sampling, judging, learning",
  run: "Running",
  measure: "Measuring on 48 orders that it never learns from",
  reset: "Going back to step 0",
};

export function LearnPanel(shared: Shared) {
  const { client, settings, setSettings, steps, setSteps, points, setPoints } = shared;
  const [doing, setDoing] = useState<Doing>("nothing");
  const [failure, setFailure] = useState("");
  const [seconds, setSeconds] = useState(0);
  const running = useRef(false);
  const now = useRef(settings);
  now.current = settings;

  const measure = async () => {
    setDoing("measure");
    const point = await client.api.measure();
    setPoints((before) => [...before.filter(({ step }) => step !== point.step), point]);
  };
  const step = async () => {
    const started = performance.now();
    const learned = await client.api.step(now.current);
    setSeconds((performance.now() - started) / 1000);
    setSteps((before) => [...before, learned]);
    return learned.log.step;
  };
  const guarded = async (what: Doing, work: () => Promise<void>) => {
    setFailure("");
    setDoing(what);
    try {
      await work();
    } catch (error) {
      running.current = false;
      setFailure(`${messageOf(error)} Go back to step 0 to start again.`);
    }
    setDoing("nothing");
  };
  const oneStep = () =>
    guarded("step", async () => {
      if (points.length === 0) await measure();
      setDoing("step");
      await step();
      await measure();
    });
  const run = () =>
    guarded("run", async () => {
      running.current = true;
      if (points.length === 0) await measure();
      while (running.current) {
        setDoing("run");
        if (await step() % MEASURE_EVERY === 0) await measure();
      }
    });
  const reset = () =>
    guarded("reset", async () => {
      await client.api.reset();
      setSteps(() => []);
      setPoints(() => []);
    });
  useEffect(() => () => {
    running.current = false;
  }, []);

  const busy = doing !== "nothing";
  return (
    <>
      <p class="say">
        At every step the model answers 16 orders twice, somebody ranks each two answers, and the
        model moves towards the better one. Watch whether what the judge believes (dashed line) and
        what is true (solid line) rise together.
      </p>
      <div class="learn">
        <div>
          <LearnControls {...{ client, settings, setSettings }} />
          <div class="buttons">
            {running.current && busy
              ? (
                <button type="button" class="main" onClick={() => running.current = false}>
                  Pause
                </button>
              )
              : <button type="button" class="main" disabled={busy} onClick={run}>Run</button>}
            <button type="button" disabled={busy} onClick={oneStep}>One step</button>
            <button
              type="button"
              class="quiet"
              disabled={busy || steps.length === 0}
              onClick={reset}
            >
              Back to step 0
            </button>
          </div>
          <p class="status" role="status">
            Step <b class="number">{steps.length}</b>. {WORDS[doing]}.
            {seconds > 0 && ` The last step took ${seconds.toFixed(1)} s.`}
          </p>
          <Failure text={failure} />
        </div>
        <div class="charts">
          <Chart
            steps={steps.length}
            title="True reward"
            note="mean of 48 answers, at most 2.4; dots: the step's own samples"
            points={points.map(({ step, reward }) => ({ step, value: reward }))}
            noise={steps.map(({ log, pairs }) => ({ step: log.step, value: meanReward(pairs) }))
              .filter(({ value }) => !Number.isNaN(value))}
            range={[0, 2.4]}
            look="truth"
          />
          <Chart
            steps={steps.length}
            title="The judge's opinion"
            note="share of these answers that it prefers to those of step 0"
            points={points.map(({ step, winRate }) => ({ step, value: winRate }))}
            range={[0, 1]}
            mark={{ value: 0.5, name: "no better" }}
            look="judge"
          />
          <Chart
            steps={steps.length}
            title="Distance from step 0"
            note="KL in nats: how far the model has moved"
            points={points.map(({ step, kl }) => ({ step, value: kl }))}
            range={[0, 4]}
            look="plain"
          />
          <div class="conclude">
            <Conclusion points={points} />
          </div>
        </div>
      </div>
      <LearnEvidence steps={steps} points={points} />
    </>
  );
}

/** Mean true reward of what a step sampled. */
function meanReward(pairs: Shared["steps"][number]["pairs"]): number {
  const rewards = pairs.flatMap((
    { rewardChosen, rewardRejected },
  ) => [rewardChosen, rewardRejected]);
  return rewards.reduce((a, b) => a + b, 0) / rewards.length;
}
