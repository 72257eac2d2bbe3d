/** Several vLLM servers as one: answers and verdicts of the base model and of adapters on it. */
import pLimit from "p-limit";
import { UserError } from "../base/error.ts";
import { z } from "zod";
import { Fault, ServedError } from "../judges/served/mod.ts";
import { fleetError } from "./fleet_error.ts";
import { type FleetAdapter, Replica, type ReplicaOptions, type ServerModel } from "./replica.ts";
import { Roster, waitOf } from "./roster.ts";
import { settled } from "./settled.ts";
import { type Cluster, secretOf } from "./settings.ts";
import {
  type AnswerRequest,
  answersBody,
  answersIn,
  COMPLETIONS,
  type DrawnAnswer,
  labelsBody,
  labelsIn,
} from "./vllm_wire.ts";

/** Settings of a {@linkcode Fleet}. */
export interface FleetOptions {
  /** @default what the variable holds that the cluster names */
  readonly key?: string;
  /** Takes a line when a server goes away or comes back. */
  readonly log: (line: string) => void;
  readonly fetch?: typeof fetch;
  readonly sleep?: (ms: number) => Promise<void>;
  /** The time in ms since 1970. */
  readonly now?: () => number;
}

/** An answer and the server that gave it. */
export interface FleetAnswer extends DrawnAnswer {
  readonly server: string;
}

/** What a server says of itself. */
export interface ServerInfo {
  readonly url: string;
  /** vLLM's version. */
  readonly version: string;
  readonly models: readonly ServerModel[];
}

/** Failed attempts at one request before it is given up. */
const ATTEMPTS = 6;
const tokensSchema = z.object({ tokens: z.array(z.int().min(0)) });

/**
 * Asks whichever server has the fewest open requests. One that does not answer is left out until `/health` says that it
 * is back; while none answers, all wait, up to `outageMs`. A server that came back empty gets its adapters again.
 *
 * Each server is a `ServedClient` with a single attempt: what to do next depends on the others.
 *
 * @example
 * ```ts ignore
 * const fleet = new Fleet(await readCluster("cluster.json"), { log: console.error });
 * const adapter = { name: "run-000012-5f3a9c01", path: "/mnt/runs/run/rounds/000012/adapter" };
 * await fleet.load(adapter);
 * const [pA, pB] = await fleet.labels(adapter, promptIds, labelIds);
 * ```
 */
export class Fleet {
  readonly cluster: Cluster;
  readonly #roster: Roster;
  readonly #log: (line: string) => void;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #limit: ReturnType<typeof pLimit>;

  /** @throws {UserError} When the cluster names a variable for the key that is not set. */
  constructor(cluster: Cluster, { key, log, fetch, sleep, now = Date.now }: FleetOptions) {
    const { serve } = cluster;
    this.cluster = cluster;
    this.#log = log;
    this.#sleep = sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    const options: ReplicaOptions = {
      ...{ serve, fetch, sleep: this.#sleep },
      key: key ?? secretOf(serve.keyVariable),
    };
    const replicas = serve.servers.map((url) => new Replica(url, options));
    const { outageMs } = serve;
    this.#roster = new Roster(replicas, { outageMs, log, sleep: this.#sleep, now });
    this.#limit = pLimit(serve.concurrency * serve.servers.length);
  }

  /**
   * Loads an adapter on every server that is there; one that is away gets it when it is asked for it.
   *
   * @throws {UserError} When a server cannot load it: rank, path, runtime adapters; or has another of that name.
   */
  async load(adapter: FleetAdapter): Promise<void> {
    this.#check(adapter);
    for (let loaded = 0; loaded === 0;) {
      const up = await this.#roster.up();
      const done = await settled(up.map((replica) => this.#loadOn(replica, adapter)));
      loaded = done.filter(Boolean).length;
    }
  }

  /** Takes an adapter from every server that is there. */
  async unload({ name }: FleetAdapter): Promise<void> {
    const up = this.#roster.present();
    await settled(up.map((replica) => this.#orLeaveOut(replica, replica.unload(name))));
  }

  /** Answers to one prompt, in tokens. @throws {UserError} As {@linkcode Fleet.labels}. */
  async answers(model: FleetAdapter | null, request: AnswerRequest): Promise<FleetAnswer[]> {
    const { value, url } = await this.#ask(
      model,
      (name) => answersBody(name, request),
      (reply) => answersIn(reply, request),
    );
    return value.map((answer) => ({ ...answer, server: url }));
  }

  /**
   * Probability of each label as the token after a prompt, under the softmax over the whole vocabulary.
   *
   * @throws {UserError} When the request cannot succeed, failed six times, or no server answered for `outageMs`.
   */
  async labels(
    model: FleetAdapter | null,
    prompt: readonly number[],
    labelIds: readonly number[],
  ): Promise<number[]> {
    const { value } = await this.#ask(
      model,
      (name) => labelsBody(name, prompt, labelIds),
      (reply) => labelsIn(reply, prompt, labelIds),
    );
    return value;
  }

  /** What the servers that are there say of themselves; at least one. */
  async about(): Promise<ServerInfo[]> {
    for (;;) {
      const up = await this.#roster.up();
      const told = await settled(
        up.map((replica) =>
          this.#orLeaveOut(
            replica,
            Promise.all([replica.version(), replica.models()])
              .then(([version, models]) => ({ url: replica.url, version, models })),
          )
        ),
      );
      const found = told.filter((info) => info !== null);
      if (found.length > 0) return found;
    }
  }

  /** Token ids of a text by the server's own tokenizer, without special tokens around it. */
  async tokenize(text: string): Promise<number[]> {
    const { value } = await this.#ask(
      null,
      (model) => ({ model, prompt: text, add_special_tokens: false }),
      (reply) => tokensOf(reply),
      "tokenize",
    );
    return value;
  }

  #check({ name }: FleetAdapter): void {
    if (name !== this.cluster.serve.baseModel) return;
    throw new UserError(
      `an adapter is called "${name}", as the weights without one`,
      "give it a name of its own",
    );
  }

  /** Asks one server after the other until one answers. */
  #ask<T>(
    model: FleetAdapter | null,
    body: (name: string) => unknown,
    read: (reply: unknown) => T,
    path = COMPLETIONS,
  ): Promise<{ value: T; url: string }> {
    const { serve } = this.cluster;
    return this.#limit(async () => {
      let failures = 0;
      const loads = new Map<string, number>(); // by server: each may have come back empty
      for (;;) {
        const replica = await this.#roster.leastBusy();
        const { url } = replica;
        try {
          const value = await replica.ask(path, body(model?.name ?? serve.baseModel), read);
          return { value, url };
        } catch (error) {
          if (!(error instanceof ServedError)) throw error;
          if (error.fault?.status === 404 && model !== null) {
            const before = loads.get(url) ?? 0;
            if (before === ATTEMPTS) throw forgetful(url, model);
            loads.set(url, before + 1);
            this.#log(`${url} does not know ${model.name}: it is loaded there`);
            await this.#loadOn(replica, model);
            continue;
          }
          failures++;
          const most = ATTEMPTS + (error.kind === "network" ? this.#roster.size : 0);
          if (!error.fault?.again || failures >= most) throw this.#refused(error, url);
          if (isAway(error)) this.#roster.leaveOut(replica, error);
          else await this.#sleep(error.fault.retryAfter ?? waitOf(failures));
        } finally {
          replica.open--;
        }
      }
    });
  }

  /** Whether a server has loaded an adapter; one that is away is left out. */
  async #loadOn(replica: Replica, adapter: FleetAdapter): Promise<boolean> {
    return await this.#orLeaveOut(replica, replica.load(adapter).then(() => true)) ?? false;
  }

  /** What a server gives, null where it is away. @throws {UserError} When it refuses. */
  async #orLeaveOut<T>(replica: Replica, asked: Promise<T>): Promise<T | null> {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof ServedError)) throw error;
      if (!isAway(error)) throw this.#refused(error, replica.url);
      this.#roster.leaveOut(replica, error);
      return null;
    }
  }

  #refused(error: ServedError, url: string): UserError {
    return fleetError(error, { ...this.cluster.serve, url });
  }
}

/** @throws {Fault} */
function tokensOf(reply: unknown): number[] {
  const parsed = tokensSchema.safeParse(reply);
  if (parsed.success) return parsed.data.tokens;
  throw new Fault("garbled", "the reply has no token ids");
}

/** Of an address behind which an adapter is there and then is not. */
function forgetful(url: string, { name }: FleetAdapter): UserError {
  return new UserError(
    `${url} does not know ${name}, which was loaded there ${ATTEMPTS} times`,
    "give each server's own address, not that of a load balancer, and start it with one API server",
  );
}

/** Whether a fault is the server's and not the request's. */
const isAway = ({ kind }: ServedError): boolean =>
  kind === "network" || kind === "timeout" || kind === "server";
