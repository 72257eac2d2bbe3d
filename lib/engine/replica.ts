/** One vLLM server of a fleet. */
import { UserError } from "../base/error.ts";
import { type AskOptions, Fault, ServedClient, ServedError } from "../judges/served/mod.ts";
import { alreadyLoaded, fleetError, lastingLoad, unseen } from "./fleet_error.ts";
import type { Cluster } from "./settings.ts";

/** A model by the name of its adapter. */
export interface FleetAdapter {
  /** What the servers call it: another for every version, best with a hash of its content in it. */
  readonly name: string;
  /** Its folder, as the servers see it. */
  readonly path: string;
  /** Of its content, where the name tells of it too: then whoever has the name has the weights. */
  readonly hash?: string;
}

/** What a {@linkcode Replica} needs beside its address. */
export interface ReplicaOptions {
  readonly serve: Cluster["serve"];
  readonly key?: string;
  readonly fetch?: typeof fetch;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Waits before an adapter is loaded again, in ms: a shared folder may show it late. */
const LOAD_AGAIN = [1000, 2000, 4000];
/** Longest wait for `/health`, in ms. */
const HEALTH_MS = 5000;

/** A server that is away. */
export interface Absence {
  readonly problem: string;
  /** Times that it was asked whether it is back. */
  tries: number;
  /** When to ask next, in ms since 1970. */
  next: number;
}

/** One server: its requests, its adapters, and whether it is there. */
export class Replica {
  readonly url: string;
  /** Requests that it has been given and has not answered. */
  open = 0;
  /** Null while it answers. */
  absence: Absence | null = null;
  readonly #client: ServedClient;
  readonly #options: ReplicaOptions;
  readonly #loading = new Map<string, Promise<void>>();

  constructor(url: string, options: ReplicaOptions) {
    const { serve, key, fetch, sleep } = options;
    const { concurrency, timeoutMs } = serve;
    // A fleet tries again by itself, elsewhere.
    this.#client = new ServedClient({ url, key, concurrency, timeoutMs, retries: 0, fetch, sleep });
    this.url = this.#client.url;
    this.#options = options;
  }

  /** One attempt. @throws {ServedError} */
  ask<T>(
    path: string,
    body: unknown,
    read: (reply: unknown) => T,
    options?: AskOptions,
  ): Promise<T> {
    return this.#client.ask(path, body, read, options);
  }

  /** Whether it says that it can answer. */
  async healthy(): Promise<boolean> {
    try {
      return await this.ask("health", undefined, () => true, {
        form: "text",
        timeoutMs: HEALTH_MS,
      });
    } catch (error) {
      if (error instanceof ServedError) return false;
      throw error;
    }
  }

  /**
   * Loads an adapter, once for all who wait for it.
   *
   * @throws {UserError} When the server cannot load it, or has another one of that name.
   * @throws {ServedError} When the server is away.
   */
  load(adapter: FleetAdapter): Promise<void> {
    const { name } = adapter;
    const under = this.#loading.get(name) ??
      this.#load(adapter).finally(() => this.#loading.delete(name));
    this.#loading.set(name, under);
    return under;
  }

  async #load({ name, path, hash }: FleetAdapter): Promise<void> {
    const refused = (error: ServedError) =>
      fleetError(error, { ...this.#options.serve, url: this.url, loading: { name, path } });
    for (let attempt = 0;; attempt++) {
      try {
        const body = { lora_name: name, lora_path: path };
        return await this.ask("v1/load_lora_adapter", body, () => {}, { form: "text" });
      } catch (error) {
        if (!(error instanceof ServedError)) throw error;
        if (alreadyLoaded(error)) {
          if (await this.#isFrom({ name, path, hash })) return;
          await this.unload(name); // the same weights, from a folder that may be gone
          continue;
        }
        const { kind } = error;
        if (kind === "network" || kind === "timeout") throw error;
        if (lastingLoad(error) || attempt === LOAD_AGAIN.length) throw refused(error);
        // An engine that has died answers 500 to all: the fleet asks others.
        if (!unseen(error) && !await this.healthy()) throw error;
        await this.#options.sleep(LOAD_AGAIN[attempt]);
      }
    }
  }

  /** Whether the adapter of that name is from that path. @throws {UserError} When it is not, and may be another. */
  async #isFrom({ name, path, hash }: FleetAdapter): Promise<boolean> {
    const found = (await this.models()).find(({ id }) => id === name);
    if (found === undefined || found.root === path) return true;
    if (hash !== undefined) return false;
    throw new UserError(
      `${this.url} has another adapter called ${name}, from ${found.root}`,
      `give each adapter a name of its own, or unload that one: POST ${this.url}/v1/unload_lora_adapter`,
    );
  }

  /** Forgets an adapter; one that the server does not have is none to forget. @throws {ServedError} */
  async unload(name: string): Promise<void> {
    try {
      await this.ask("v1/unload_lora_adapter", { lora_name: name }, () => {}, { form: "text" });
    } catch (error) {
      if (!(error instanceof ServedError) || error.fault?.status !== 404) throw error;
    }
  }

  /** Models that it has: the base, and adapters with the paths they are from. @throws {ServedError} */
  models(): Promise<ServerModel[]> {
    return this.ask("v1/models", undefined, (reply) => {
      const { data } = reply as { data?: Record<string, unknown>[] };
      return (Array.isArray(data) ? data : []).map((model) => ({
        id: String(model.id),
        root: typeof model.root === "string" ? model.root : null,
        maxLength: typeof model.max_model_len === "number" ? model.max_model_len : null,
      }));
    });
  }

  /** vLLM's version. @throws {ServedError} */
  version(): Promise<string> {
    return this.ask("version", undefined, (reply) => {
      const { version } = reply as { version?: unknown };
      if (typeof version === "string") return version;
      throw new Fault("setup", "the server does not say which vLLM it is", {
        remedy: "give the address of a vLLM server itself",
      });
    });
  }
}

/** A model as a server lists it. */
export interface ServerModel {
  readonly id: string;
  readonly root: string | null;
  /** Most tokens of prompt and answer. */
  readonly maxLength: number | null;
}
