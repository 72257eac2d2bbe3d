/** @jsxImportSource preact */
/// <reference lib="dom" />
/** What the reader sets of the training. @module */
import { useEffect, useState } from "preact/hooks";
import type { MethodWords } from "./method_words.ts";
import type { Shared } from "./shared.ts";
import { FIRST_SETTINGS, type PlayMethod } from "./settings.ts";

const RATES = [5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3] as const;
const BETAS = [0.01, 0.03, 0.1, 0.3, 1] as const;

/** The rate and beta with which a judge is soon fooled. */
const RECKLESS = { learningRate: 1e-3, beta: 0.03 } as const;

export function LearnControls(
  { client, settings, setSettings }: Pick<Shared, "client" | "settings" | "setSettings">,
) {
  const [methods, setMethods] = useState<readonly MethodWords[]>([]);
  useEffect(() => {
    client.api.methods().then(setMethods);
  }, [client]);
  const method = methods.find(({ name }) => name === settings.method);
  const reckless = settings.learningRate === RECKLESS.learningRate &&
    settings.beta === RECKLESS.beta;
  return (
    <div class="controls">
      <label for="method">Method</label>
      <select
        id="method"
        value={settings.method}
        aria-describedby="method-words"
        onChange={(event) =>
          setSettings({ ...settings, method: event.currentTarget.value as PlayMethod })}
      >
        {methods.map(({ name }) => <option key={name} value={name}>{name}</option>)}
      </select>
      <dl id="method-words">
        <dt>Who samples</dt>
        <dd>{method?.samples}</dd>
        <dt>Who ranks</dt>
        <dd>{method?.ranks}</dd>
        <dt>Loss</dt>
        <dd>{method?.loss}</dd>
      </dl>
      <Choice
        {...{ id: "rate", label: "Learning rate", values: RATES, value: settings.learningRate }}
        note="how far one step moves the model"
        onChange={(learningRate) => setSettings({ ...settings, learningRate })}
      />
      <Choice
        {...{ id: "beta", label: "Beta", values: BETAS, value: settings.beta }}
        note={method?.hasBeta === false
          ? "this loss has none"
          : "how strongly DPO holds it to step 0"}
        disabled={method?.hasBeta === false}
        onChange={(beta) => setSettings({ ...settings, beta })}
      />
      <button
        type="button"
        class="quiet"
        onClick={() => {
          const { learningRate, beta } = reckless ? FIRST_SETTINGS : RECKLESS;
          setSettings({ ...settings, learningRate, beta });
        }}
      >
        {reckless ? "Careful settings again" : "Drive it too hard"}
      </button>
    </div>
  );
}

/** A number of a few, by a slider that names it. */
function Choice(
  { id, label, note, values, value, disabled, onChange }: {
    id: string;
    label: string;
    note: string;
    values: readonly number[];
    value: number;
    disabled?: boolean;
    onChange: (value: number) => void;
  },
) {
  return (
    <div class="choice">
      <label for={id}>
        {label} <b class="number">{shown(value)}</b> <span class="of">{note}</span>
      </label>
      <input
        {...{ id, disabled, type: "range", min: 0, max: values.length - 1, step: 1 }}
        value={values.indexOf(value)}
        aria-valuetext={shown(value)}
        onInput={(event) => onChange(values[Number(event.currentTarget.value)])}
      />
    </div>
  );
}

const shown = (value: number): string =>
  value < 0.01 ? value.toFixed(5).replace(/0+$/, "") : `${value}`;
