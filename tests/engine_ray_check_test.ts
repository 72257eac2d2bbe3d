import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import type { RaySettings } from "../lib/engine/launch/ray.ts";
import { roomRow, tokenRow } from "../lib/engine/launch/ray_check.ts";
import type { Cluster } from "../lib/engine/mod.ts";

describe("room for workers", () => {
  const row = (
    offers: number[],
    used: number,
    train: Partial<Cluster["train"]>,
    placement = "PACK",
  ) =>
    roomRow({
      nodes: offers.map((GPU) => ({ resources_total: { GPU, CPU: 64 } })),
      usage: { GPU: [used, offers.reduce((sum, offer) => sum + offer, 0)] },
      placement: placement as RaySettings["placement"],
      train: { workers: 4, gpus: true, ...train },
    });

  it("is there, is taken for now, or is not", () => {
    assert.deepEqual([row([8], 4, {}).ok, row([8], 5, {}).ok, row([2, 1], 0, {}).ok], [
      true,
      null,
      false,
    ]);
    assert.match(row([8], 5, {}).said, /3 of 8 GPUs free on 1 nodes, 4 wanted/);
    assert.match(row([0], 0, {}).remedy!, /train\.gpus to false/);
    assert.equal(row([0], 0, { gpus: false }).ok, true);
  });

  it("is that of the placement", () => {
    assert.equal(row([2, 2], 0, {}, "SPREAD").ok, true);
    assert.match(row([2, 2], 0, {}, "STRICT_SPREAD").remedy!, /use SPREAD/);
    assert.match(row([2, 2], 0, {}, "STRICT_PACK").remedy!, /use PACK/);
    assert.equal(row([1, 1, 1, 1], 0, {}, "STRICT_SPREAD").ok, true);
    assert.equal(row([4, 1], 0, {}, "STRICT_PACK").ok, true);
  });
});

describe("the token of a cluster", () => {
  it("is asked for, and not sent where it can be read", () => {
    assert.equal(tokenRow(false, "http://127.0.0.1:8265").ok, true);
    assert.equal(tokenRow(false, "http://10.0.0.4:8265").ok, true);
    assert.equal(tokenRow(false, "https://ray.example.com").ok, true);
    assert.match(tokenRow(false, "http://ray.example.com").remedy!, /https, or a tunnel/);
    assert.match(tokenRow(true, "http://10.0.0.4:8265").remedy!, /RAY_AUTH_MODE=token/);
  });
});
