import type { EngineReport } from "../tensor/mod.ts";
import settings from "../../deno.json" with { type: "json" };

/** What a run was made with: enough to make it again. */
export function versions(engine: EngineReport): Record<string, string> {
  const packages = Object.values(settings.imports)
    .map((specifier) => /^npm:(.+)@([^@]+)$/.exec(specifier))
    .flatMap((match) => match ? [[match[1], match[2]]] : []);
  const cores = navigator.hardwareConcurrency;
  return {
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.build.arch}, ${cores === 1 ? "1 core" : `${cores} cores`}`,
    engine: `${engine.backend} on ${engine.device}, ${engine.version}`,
    ...Object.fromEntries(packages),
  };
}
