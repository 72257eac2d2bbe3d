/** Ray's HTTP interface, as of Ray 2.60: jobs, packages, nodes. Nothing of Ray is needed on this side. @module */
import { createHash } from "node:crypto";
import { zipSync } from "fflate";
import { UserError } from "../../base/error.ts";
import { passByProxy } from "../../base/loopback.ts";
import { netRefusal } from "../../base/net_permission.ts";
import { secretOf } from "../settings.ts";
import { parsedObject, Unreachable } from "./interface.ts";

/** A job as Ray tells it. */
export interface RayJob {
  readonly status: "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";
  readonly message?: string | null;
}

/** What is submitted; see Ray's `JobSubmitRequest`. */
export interface RaySubmission {
  readonly submission_id: string;
  readonly entrypoint: string;
  readonly runtime_env: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A node and what it offers in all, such as `{ CPU: 8, GPU: 8 }`. */
export interface RayNode {
  readonly node_ip: string;
  readonly state: string;
  readonly resources_total: Readonly<Record<string, number>>;
}

/** Settings of {@linkcode RayApi}. */
export interface RayApiOptions {
  /** Address of the dashboard. */
  readonly url: string;
  /** Environment variable with the token; null: none is sent. */
  readonly tokenVariable: string | null;
  readonly fetch?: typeof fetch;
  readonly readVariable?: (name: string) => string | undefined;
}

/** Requests to a Ray cluster. No error holds the token. */
export class RayApi {
  readonly url: string;
  readonly #options: RayApiOptions;

  constructor(options: RayApiOptions) {
    this.#options = options;
    this.url = options.url.replace(/\/+$/, "");
    passByProxy(this.url);
  }

  /** @throws {UserError} When its variable is not set. */
  get token(): string | undefined {
    return secretOf(this.#options.tokenVariable, this.#options.readVariable);
  }

  async version(): Promise<string> {
    return (await this.#json<{ ray_version: string }>("/api/version")).ray_version;
  }

  /** Whether requests without a token are answered. */
  async isOpen(): Promise<boolean> {
    return (await this.#ask("/api/version", {}, null)).status === 200;
  }

  async nodes(): Promise<RayNode[]> {
    type Reply = { data: { result: { result: RayNode[] } } };
    const { data } = await this.#json<Reply>("/api/v0/nodes?detail=true&limit=10000");
    return data.result.result.filter(({ state }) => state === "ALIVE");
  }

  /** What is in use of each resource, such as `{ CPU: [1, 8] }`; empty where the cluster does not tell. */
  async usage(): Promise<Readonly<Record<string, readonly [used: number, total: number]>>> {
    type Report = { usage?: Record<string, [number, number]> };
    type Reply = { data: { clusterStatus: { loadMetricsReport?: Report } | null } };
    const { data } = await this.#json<Reply>("/api/cluster_status");
    return data.clusterStatus?.loadMetricsReport?.usage ?? {};
  }

  /** Uploads files as a package, once: its name is its content's hash. @returns its address for a runtime environment */
  async upload(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
    const zip = zipSync(files, { level: 0, mtime: new Date(2020, 0) });
    const name = `_ray_pkg_${createHash("sha256").update(zip).digest("hex").slice(0, 16)}.zip`;
    const path = `/api/packages/gcs/${name}`;
    const { status } = await this.#ask(path);
    if (status === 404) {
      this.#right(
        await this.#ask(path, { method: "PUT", body: zip as Uint8Array<ArrayBuffer> }),
        path,
      );
    } else if (status !== 200) throw this.#refused(path, status, "");
    return `gcs://${name}`;
  }

  /** A job; null: Ray has no such job. */
  async job(id: string): Promise<RayJob | null> {
    const path = jobPath(id);
    const reply = await this.#ask(path);
    return reply.status === 404 ? null : this.#parsed<RayJob>(reply, path);
  }

  /**
   * Submits a job under our own id. One of that id that is there already is joined, also when it is there because an
   * earlier request's reply was lost.
   */
  async submit(job: RaySubmission, { tries = 10, waitMs = 3000 } = {}): Promise<void> {
    for (let left = tries - 1;; left--) {
      if (await this.job(job.submission_id)) return;
      let problem: UserError;
      try {
        const reply = await this.#ask("/api/jobs/", { // the slash at the end is needed
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(job),
        });
        if (reply.status === 200 || /already exists/.test(reply.text)) return;
        problem = this.#refused("/api/jobs/", reply.status, reply.text);
        if (reply.status !== 500) throw problem; // 500: "No available agent", while the cluster starts
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        problem = error;
      }
      if (left === 0) throw problem;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async log(id: string): Promise<string> {
    const path = `${jobPath(id)}/logs`;
    const reply = await this.#ask(path);
    if (reply.status === 404) return "";
    return this.#parsed<{ logs?: string | null }>(reply, path).logs ?? "";
  }

  async stop(id: string): Promise<void> {
    const path = `${jobPath(id)}/stop`;
    const reply = await this.#ask(path, { method: "POST" });
    if (reply.status !== 404) this.#right(reply, path);
  }

  async #json<T>(path: string): Promise<T> {
    return this.#parsed<T>(await this.#ask(path), path);
  }

  /** What a right reply says. @throws {UserError} Of another status, and where it is no JSON, such as a login page. */
  #parsed<T>(reply: Reply, path: string): T {
    const text = this.#right(reply, path);
    const said = parsedObject(text);
    if (said !== null) return said as T;
    throw new UserError(
      `${this.url}${path} does not answer as Ray does: ${this.#clean(text).slice(0, 80)}`,
      "give the address of Ray's dashboard as train.launcher.url",
    );
  }

  async #ask(
    path: string,
    init: RequestInit = {},
    token: string | null = this.token ?? null,
  ): Promise<Reply> {
    const headers = new Headers(init.headers);
    if (token) headers.set("authorization", `Bearer ${token}`);
    try {
      const ask = this.#options.fetch ?? fetch;
      const signal = AbortSignal.timeout(60_000);
      const reply = await ask(this.url + path, { ...init, headers, signal });
      return { status: reply.status, text: await reply.text() };
    } catch (cause) {
      const refused = netRefusal(this.url, cause);
      if (refused !== null) {
        throw new UserError(`Ray at ${this.url}: ${this.#clean(refused.problem)}`, refused.remedy);
      }
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Unreachable(
        `Ray at ${this.url} does not answer: ${this.#clean(reason)}`,
        "start its head node, or correct train.launcher.url: the dashboard's address, " +
          "reachable from here (ray start --dashboard-host, or a tunnel: ssh -L)",
      ); // without the cause, which may hold the token
    }
  }

  #right({ status, text }: Reply, path: string): string {
    if (status === 200) return text;
    throw this.#refused(path, status, text);
  }

  #refused(path: string, status: number, text: string): UserError {
    const { tokenVariable } = this.#options;
    const at = `Ray at ${this.url}`;
    const whereFrom = "the head node's RAY_AUTH_TOKEN, or its file ~/.ray/auth_token";
    if (status === 401) {
      return new UserError(
        `${at} asks for a token (401) and ${tokenVariable ? "got none" : "the cluster names none"}`,
        tokenVariable
          ? `set the environment variable ${tokenVariable} to the cluster's token: ${whereFrom}`
          : `name a variable in train.launcher.tokenVariable and set it to the cluster's token: ${whereFrom}`,
      );
    }
    if (status === 403) {
      return new UserError(
        `${at} refuses the token${tokenVariable ? ` in ${tokenVariable}` : ""} (403)`,
        `set ${tokenVariable ?? "a token"} to the cluster's own: ${whereFrom}`,
      );
    }
    const said = this.#clean(text.trim().split("\n").at(-1) ?? "").slice(0, 300);
    const problem = `${at} answers ${path} with ${status}: ${said || "nothing"}`;
    if (status >= 500) return new Unreachable(problem, "see the head node's logs; is Ray up?");
    return new UserError(
      problem,
      "is this Ray's dashboard, version 2.9 or later? See the cluster file",
    );
  }

  #clean(text: string): string {
    const { tokenVariable, readVariable = (name: string) => Deno.env.get(name) } = this.#options;
    const token = tokenVariable && readVariable(tokenVariable)?.trim();
    return token ? text.replaceAll(token, "<token>") : text;
  }
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

const jobPath = (id: string) => `/api/jobs/${encodeURIComponent(id)}`;
