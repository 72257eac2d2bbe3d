/** @jsxImportSource preact */
/// <reference lib="dom" />
/** Parts that more than one part of the page is made of. @module */
import type { ComponentChildren } from "preact";
import { ITEMS, VOCABULARY } from "../world/words.ts";
import type { TrueReward } from "./api.ts";

/** A number with its sign, as rewards are told. */
export const signed = (value: number, digits = 1): string =>
  `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

/** Words of a text that the world does not have. */
export function unknownWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "" && !VOCABULARY.includes(word));
}

/** What keeps a text from being an order, for the reader; empty where nothing does. */
export function orderFault(text: string): string {
  const unknown = unknownWords(text);
  if (unknown.length > 0) {
    return `The desk does not know: ${unknown.join(", ")}. Separate words and signs by blanks.`;
  }
  if (!text.split(/\s+/).some((word) => ITEMS.includes(word))) {
    return "The order names nothing that the desk has.";
  }
  return text.split(/\s+/).length > 40 ? "The order is too long." : "";
}

/** The order to be answered: typed, picked or drawn. */
export function OrderField(
  { id, request, setRequest, requests, disabled }: {
    id: string;
    request: string;
    setRequest: (request: string) => void;
    requests: readonly string[];
    disabled?: boolean;
  },
) {
  const fault = orderFault(request);
  return (
    <div class="order">
      <label for={id}>Order</label>
      <input
        id={id}
        list={`${id}-list`}
        value={request}
        disabled={disabled}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={fault !== ""}
        aria-describedby={`${id}-fault`}
        onInput={(event) => setRequest(event.currentTarget.value)}
      />
      <datalist id={`${id}-list`}>
        {requests.slice(0, 30).map((one) => <option key={one} value={one} />)}
      </datalist>
      <button
        type="button"
        class="quiet"
        disabled={disabled}
        onClick={() => setRequest(requests[Math.floor(Math.random() * requests.length)])}
      >
        Another order
      </button>
      <p class="fault" id={`${id}-fault`} role="alert">{fault}</p>
    </div>
  );
}

const VIEW_NAMES: Readonly<Record<keyof TrueReward["views"], string>> = {
  completeness: "names what was ordered",
  accuracy: "adds nothing else",
  manners: "manners",
  brevity: "no chatter, no repeats",
  form: "a whole sentence",
};

/** The true reward of an answer and the parts that make it. */
export function Truth({ truth }: { truth: TrueReward }) {
  const parts = Object.entries(truth.views) as [keyof TrueReward["views"], number][];
  return (
    <div class="truth">
      <p>
        True reward <b class="number">{signed(truth.reward, 2)}</b>{" "}
        <span class="of">of at most +2.40</span>
      </p>
      <ul>
        {parts.filter(([view, value]) => value !== 0 || view === "completeness").map((
          [view, value],
        ) => (
          <li key={view}>
            <span class="number">{signed(value)}</span> {VIEW_NAMES[view]}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A share as a bar with words: who gets how much of it. */
export function Bar(
  { share, left, right, label }: { share: number; left: string; right: string; label: string },
) {
  const percent = Math.round(100 * share);
  return (
    <div class="bar-row">
      <span class="bar-label">{label}</span>
      <div
        class="bar"
        role="img"
        aria-label={`${label}: ${left} ${percent} %, ${right} ${100 - percent} %`}
      >
        <div class="bar-fill" style={{ width: `${100 * share}%` }} />
        <span class="bar-left">{left} {percent} %</span>
        <span class="bar-right">{right} {100 - percent} %</span>
      </div>
    </div>
  );
}

/** A short explanation that opens when asked for. */
export function More({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <details>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

/** What went wrong, said where the reader looks. */
export function Failure({ text }: { text: string }) {
  return text === "" ? null : <p class="failure" role="alert">{text}</p>;
}

/** An error's message, its remedy behind it. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\n\s*->/, ":");
