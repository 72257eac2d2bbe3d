/** @jsxImportSource preact */
/// <reference lib="dom" />
/** Read: what is learned, how a verdict is computed, what the loss does, with the numbers of this page. @module */
import { useEffect, useState } from "preact/hooks";
import type { ReadExample, ReadLoss, ReadVerdict } from "./reading.ts";
import type { Shared } from "./shared.ts";
import { Failure, messageOf } from "./parts.tsx";

export function ReadPanel(shared: Shared) {
  const { client, request, answers, settings, steps } = shared;
  const [pair, setPair] = useState(0);
  const [batch, setBatch] = useState<readonly ReadExample[]>([]);
  const [verdicts, setVerdicts] = useState<readonly ReadVerdict[]>([]);
  const [loss, setLoss] = useState<ReadLoss | null>(null);
  const [failure, setFailure] = useState("");
  // The answers on screen in "Ask"; before there are any, a pair of the data set.
  const asked = answers.every((answer) => answer.trim() !== "");
  const row = client.pairs[pair];
  const [order, first, second] = asked
    ? [request, ...answers]
    : [row.prompt, row.chosen, row.rejected];

  useEffect(() => {
    client.api.jsft(pair).then(setBatch, (error) => setFailure(messageOf(error)));
  }, [pair]);
  useEffect(() => {
    let stale = false;
    const wait = setTimeout(async () => {
      try {
        const read = await client.api.readVerdict(order, first, second);
        const [a, b] = winsFirst(read) ? [first, second] : [second, first];
        const found = await client.api.readLoss(order, a, b, settings.beta);
        if (stale) return;
        setFailure("");
        setVerdicts(read);
        setLoss(found);
      } catch (error) {
        if (!stale) setFailure(messageOf(error));
      }
    }, 250);
    return () => {
      stale = true;
      clearTimeout(wait);
    };
  }, [order, first, second, settings.beta, steps.length]);

  const chosenFirst = verdicts.length === 2 && winsFirst(verdicts);
  return (
    <>
      <Failure text={failure} />
      <h3>1. What the model learned before this page: one batch, two skills</h3>
      <p class="say">
        Judge-augmented fine-tuning (JSFT) makes three rows of every labelled pair. Only the marked
        tokens are in the loss; the others are read. So one network learns to answer, and to say A
        or B.
      </p>
      <button type="button" class="quiet" onClick={() => setPair((pair + 1) % client.pairs.length)}>
        Another pair
      </button>
      {batch.map(({ kind, tokens }, i) => (
        <p key={i} class="tokens">
          <b>
            {kind === "answer"
              ? "To answer"
              : `To judge, better one ${i === 1 ? "first" : "second"}`}
          </b>{" "}
          {tokens.map(({ text, learned }, at) =>
            learned ? <mark key={at}>{text}</mark> : <span key={at}>{`${text} `}</span>
          )}
        </p>
      ))}
      <h3>2. One verdict, from logits to J</h3>
      <p class="say">
        {asked
          ? "The two answers of “Ask”"
          : "A pair of the data set (draw answers in “Ask” to see yours)"}. After the last word the
        network gives each of its 126 tokens a logit; softmax makes probabilities of them.
      </p>
      <div class="pair">
        {verdicts.map(({ prompt, next }, i) => (
          <div key={i} class="card">
            <h4>{i === 0 ? "First answer as A" : "First answer as B"}</h4>
            <p class="tokens">{prompt.join(" ")}</p>
            <table>
              <thead>
                <tr>
                  <th scope="col">next token</th>
                  <th scope="col">logit</th>
                  <th scope="col">probability</th>
                </tr>
              </thead>
              <tbody>
                {next.map(({ token, logit, probability }) => (
                  <tr key={token} class={token === "A" || token === "B" ? "label" : ""}>
                    <th scope="row">{token}</th>
                    <td>{logit.toFixed(2)}</td>
                    <td>{probability.toFixed(4)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
      </div>
      {verdicts.length === 2 && <JSum verdicts={verdicts} />}
      <h3>3. What DPO does with it</h3>
      {loss && (
        <LossTable
          loss={loss}
          beta={settings.beta}
          chosen={chosenFirst ? "first" : "second"}
          steps={steps.length}
        />
      )}
    </>
  );
}

const labels = ({ next }: ReadVerdict) => {
  const p = (label: string) => next.find(({ token }) => token === label)!.probability;
  return { a: p("A"), b: p("B") };
};

/** Scores of both answers, each from both positions. */
function scores([forward, backward]: readonly ReadVerdict[]) {
  const [f, b] = [labels(forward), labels(backward)];
  return { f, b, first: (f.a + b.b) / 2, second: (f.b + b.a) / 2 };
}

const winsFirst = (verdicts: readonly ReadVerdict[]): boolean => {
  const { first, second } = scores(verdicts);
  return first >= second;
};

function JSum({ verdicts }: { verdicts: readonly ReadVerdict[] }) {
  const { f, b, first, second } = scores(verdicts);
  const n = (value: number) => value.toFixed(3);
  return (
    <div class="formula">
      <p>
        score of the first = (P(A) as A + P(B) as B) / 2 = ({n(f.a)} + {n(b.b)}) / 2 ={" "}
        <b>{n(first)}</b>
      </p>
      <p>
        score of the second = ({n(f.b)} + {n(b.a)}) / 2 = <b>{n(second)}</b>
      </p>
      <p>
        J = {n(first)} / ({n(first)} + {n(second)}) ={" "}
        <b class="number">{n(first / (first + second))}</b>
      </p>
    </div>
  );
}

/** The loss of the pair under the policy now. */
function LossTable(
  { loss, beta, chosen, steps }: { loss: ReadLoss; beta: number; chosen: string; steps: number },
) {
  const rejected = chosen === "first" ? "second" : "first";
  const rows = [
    { name: `chosen: the ${chosen} answer`, of: loss.chosen, gradient: loss.gradientChosen },
    {
      name: `rejected: the ${rejected} answer`,
      of: loss.rejected,
      gradient: loss.gradientRejected,
    },
  ];
  const probability = 1 / (1 + Math.exp(-beta * loss.margin));
  return (
    <>
      <p class="say">
        The judge's winner is the chosen answer. DPO compares how likely each answer is now (after
        {" "}
        {steps} steps) with how likely it was at step 0, in nats.
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label="The loss of this pair">
        <table>
          <thead>
            <tr>
              <th scope="col">answer</th>
              <th scope="col">log p now</th>
              <th scope="col">log p at step 0</th>
              <th scope="col">change</th>
              <th scope="col">gradient of the loss</th>
              <th scope="col" class="words">the step</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, of, gradient }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{of.policy.toFixed(2)}</td>
                <td>{of.reference.toFixed(2)}</td>
                <td>{(of.policy - of.reference).toFixed(2)}</td>
                <td>{gradient.toFixed(4)}</td>
                <td class="words">
                  {gradient < 0 ? "makes it likelier ↑" : "makes it less likely ↓"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="formula">
        <p>
          margin h = change of the chosen − change of the rejected = <b>{loss.margin.toFixed(3)}</b>
        </p>
        <p>
          loss = −log σ(β h) = −log σ({beta} × {loss.margin.toFixed(3)}) = −log{" "}
          {probability.toFixed(3)} = <b class="number">{loss.loss.toFixed(4)}</b>
          {Math.abs(loss.margin) < 1e-4 && " (ln 2: nothing has been learned yet)"}
        </p>
        <p>
          gradient = ∓ β (1 − σ(β h)): it is largest where the policy disagrees with the judge, and
          fades once it agrees
        </p>
      </div>
    </>
  );
}
