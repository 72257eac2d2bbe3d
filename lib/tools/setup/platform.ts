/**
 * Which TensorFlow a machine gets: a table from operating system, processor and GPU driver to a pinned
 * wheel and the way to link against it. Pure, so that it can be read and tested as a table.
 */
import { exists } from "../../base/disk.ts";

/** What set-up has to know about a machine. */
export interface Machine {
  readonly os: string;
  readonly arch: string;
  /** True when an NVIDIA driver is loaded. */
  readonly nvidia: boolean;
}

/** A pinned wheel and how the binding is linked against the libraries in it. */
export interface WheelPlan {
  /** Requirement as pip reads it. */
  readonly requirement: string;
  /** Folder name under `.engine`; it carries the pin, so a new pin is a new folder. */
  readonly folder: string;
  /** The CUDA wheel is of no use without the NVIDIA libraries it depends on; the others stand alone. */
  readonly dependencies: boolean;
  /** Megabytes to download, for the progress line. */
  readonly megabytes: number;
  /** Shared libraries inside the wheel's `tensorflow` folder that the binding needs. */
  readonly libraries: readonly string[];
  /** Linker flags of the platform. */
  readonly linkFlags: readonly string[];
  /** Whether the platform's loader can start {@link ./quiet.cc} before TensorFlow. */
  readonly quiet: boolean;
  /** False where nobody has tried it. */
  readonly tested: boolean;
}

/** The pinned TensorFlow release. */
export const TENSORFLOW_VERSION = "2.21.0";

const LINUX = {
  libraries: ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"],
  linkFlags: ["-shared"],
  quiet: true,
};
// Node-API symbols live in the host program; macOS must be told that they come later.
const MAC = {
  libraries: ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"],
  linkFlags: ["-dynamiclib", "-undefined", "dynamic_lookup"],
  quiet: false,
};

/**
 * The wheel for a machine, or undefined where PyPI has none with linkable libraries (Windows, Intel Macs).
 *
 * @example
 * ```ts
 * import { wheelPlan } from "./platform.ts";
 * wheelPlan({ os: "linux", arch: "x86_64", nvidia: false })?.requirement; // "tensorflow-cpu==2.21.0"
 * ```
 */
export function wheelPlan({ os, arch, nvidia }: Machine): WheelPlan | undefined {
  const plan = (
    name: string,
    megabytes: number,
    rest: Omit<WheelPlan, "requirement" | "folder" | "megabytes">,
  ) => ({
    requirement: `${name}==${TENSORFLOW_VERSION}`,
    folder: `${name.replace(/\W+/g, "-").replace(/-$/, "")}-${TENSORFLOW_VERSION}`,
    megabytes,
    ...rest,
  });
  switch (`${os} ${arch}`) {
    case "linux x86_64":
      return nvidia
        ? plan("tensorflow[and-cuda]", 3500, { ...LINUX, dependencies: true, tested: false })
        : plan("tensorflow-cpu", 270, { ...LINUX, dependencies: false, tested: true });
    case "linux aarch64":
      return plan("tensorflow", 270, { ...LINUX, dependencies: false, tested: false });
    case "darwin aarch64":
      return plan("tensorflow", 220, { ...MAC, dependencies: false, tested: false });
    default:
      return undefined;
  }
}

/** Looks at this machine. The driver's own files say that it is loaded; `nvidia-smi` may be missing. */
export async function thisMachine(): Promise<Machine> {
  const marks = ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"];
  const found = await Promise.all(marks.map(exists));
  return { os: Deno.build.os, arch: Deno.build.arch, nvidia: found.includes(true) };
}
