/** @jsxImportSource preact */
/// <reference lib="dom" />
/** The page on which a model aligns itself. @module */
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { AskPanel } from "./ask.tsx";
import { ChoosePanel } from "./choose.tsx";
import { type Client, openClient } from "./client.ts";
import { LearnPanel } from "./learn.tsx";
import { ReadPanel } from "./read.tsx";
import { type Engine, ENGINES } from "./browser/engines.ts";
import { messageOf } from "./parts.tsx";
import type { Shared } from "./shared.ts";
import { FIRST_SETTINGS, PLAY_MODELS, type PlayModel } from "./settings.ts";
import type { LearnedStep } from "./learning.ts";
import type { PlayPoint } from "./meter.ts";

const TABS = [
  { id: "ask", name: "Ask", panel: AskPanel },
  { id: "learn", name: "Learn", panel: LearnPanel },
  { id: "choose", name: "Choose", panel: ChoosePanel },
  { id: "read", name: "Read", panel: ReadPanel },
] as const;
type Tab = typeof TABS[number]["id"];

/** One whose answers differ. */
const FIRST_REQUEST = 2;

function App({ client }: { client: Client }) {
  const [tab, setTab] = useState<Tab>(tabOfAddress());
  const [request, setRequest] = useState(client.requests[FIRST_REQUEST]);
  const [answers, setAnswers] = useState<readonly [string, string]>(["", ""]);
  const [settings, setSettings] = useState(FIRST_SETTINGS);
  const [steps, setSteps] = useState<readonly LearnedStep[]>([]);
  const [points, setPoints] = useState<readonly PlayPoint[]>([]);
  const shared: Shared = {
    ...{ client, request, setRequest, answers, setAnswers, settings, setSettings },
    ...{ steps, setSteps, points, setPoints },
  };
  return (
    <main>
      <Tabs tab={tab} setTab={setTab} />
      {TABS.map(({ id, name, panel: Panel }) => (
        // Panels stay, so that a run goes on while another is read.
        <section
          key={id}
          id={`panel-${id}`}
          role="tabpanel"
          aria-labelledby={`tab-${id}`}
          hidden={tab !== id}
        >
          <h2 class="unseen">{name}</h2>
          <Panel {...shared} />
        </section>
      ))}
    </main>
  );
}

function tabOfAddress(): Tab {
  return TABS.find(({ id }) => `#${id}` === location.hash)?.id ?? "ask";
}

/** The four parts, by click and by arrow keys. */
function Tabs({ tab, setTab }: { tab: Tab; setTab: (tab: Tab) => void }) {
  const list = useRef<HTMLDivElement>(null);
  const choose = (id: Tab) => {
    setTab(id);
    list.current?.querySelector<HTMLElement>(`#tab-${id}`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = TABS.findIndex(({ id }) => id === tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(TABS.at(to % TABS.length)!.id);
  };
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label="Parts of the page"
      ref={list}
      onKeyDown={onKeyDown}
    >
      {TABS.map(({ id, name }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`tab-${id}`}
          aria-selected={tab === id}
          aria-controls={`panel-${id}`}
          tabIndex={tab === id ? 0 : -1}
          onClick={() => choose(id)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** The engine that the address asks for, as in "play.html?engine=webgl". */
function engineOfAddress(): Engine | undefined {
  const asked = new URLSearchParams(location.search).get("engine");
  return ENGINES.find((engine) => engine === asked);
}

function Page() {
  const [model, setModel] = useState<PlayModel>(PLAY_MODELS[0]);
  const [client, setClient] = useState<Client | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let opened: Client | null = null;
    let left = false;
    setClient(null);
    openClient(model, { engine: engineOfAddress() }).then((found) => {
      opened = found;
      Object.assign(globalThis, { play: found }); // for the browser's console, and for the page's test
      if (left) found.close();
      else setClient(found);
    }, (error) => setFailure(messageOf(error)));
    return () => {
      left = true;
      opened?.close();
    };
  }, [model]);
  return (
    <>
      <header>
        <h1>A model that judges itself</h1>
        <p class="lead">
          A small language model takes orders at a desk. It <b>answers</b>, it <b>judges</b>{" "}
          its own answers, and it <b>learns</b>{" "}
          from its verdicts. In this little world the true worth of every answer is known: see when
          that works, and when the model fools itself.
        </p>
        <ModelChoice {...{ model, setModel }} />
        <p class="engine" role="status">
          {failure !== ""
            ? `The engine did not start: ${failure}`
            : client === null
            ? "Starting the model in your browser \u2026"
            : `1.2 million parameters, trained in this tab on ${
              ENGINE_NAMES[client.engine]
            }. Nothing leaves the page.`}
        </p>
      </header>
      {client && <App key={client.model} client={client} />}
      <footer>
        <p>
          The method is SELF-JUDGE (<cite>
            Aligning Large Language Models by On-Policy Self-Judgment
          </cite>
          , ACL 2024). This page runs the same TypeScript files as the command line. True reward of
          an answer: 2 × share of the ordered things that it names − 0.7 for each thing not ordered
          − 0.5 for each phrase of chatter − 0.5 for each repetition − 0.8 if rude + 0.4 if polite −
          1 if malformed.
        </p>
      </footer>
    </>
  );
}

/** Which of the two models; another one starts at step 0. */
function ModelChoice(
  { model, setModel }: { model: PlayModel; setModel: (model: PlayModel) => void },
) {
  return (
    <fieldset class="segments models">
      <legend>Model</legend>
      {PLAY_MODELS.map((one, i) => (
        <label key={one}>
          <input type="radio" name="model" checked={one === model} onChange={() => setModel(one)} />
          {i + 1}
        </label>
      ))}
      <span class="of">
        Same training from two random starts. Both judges name the better answer in 96 % of the
        held-out pairs whose answers clearly differ. Will both improve?
      </span>
    </fieldset>
  );
}

const ENGINE_NAMES = {
  wasm: "WebAssembly",
  webgpu: "WebGPU",
  webgl: "WebGL",
  cpu: "plain JavaScript",
} as const;

render(<Page />, document.getElementById("app")!);
