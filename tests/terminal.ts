/** Commands on a terminal of their own: a pseudo-terminal, which Python makes. */
import { ROOT } from "../lib/tools/setup/places.ts";

/** Runs a program on a pseudo-terminal of so many columns and copies what it shows. */
const ON_TERMINAL = `
import fcntl, os, pty, struct, sys, termios
pid, shown = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    try:
        data = os.read(shown, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)
`;

/** Whether there is a Python that can make one. */
export const terminals: boolean = await new Deno.Command("python3", {
  args: ["-c", "import fcntl, pty, termios"],
  ...{ stdin: "null", stdout: "null", stderr: "null" } as const,
}).output().then(({ success }) => success, () => false);

/** What a terminal showed. */
export interface Shown {
  readonly code: number;
  /** Every byte that it got, as text. */
  readonly text: string;
  /** Its lines at the end, what was written over gone. */
  readonly lines: readonly string[];
}

/** Runs a command on a terminal. @param options.env Variables, without the test's own NO_COLOR and FORCE_COLOR */
export async function onTerminal(
  command: readonly string[],
  { columns = 80, env = {} }: { columns?: number; env?: Record<string, string> } = {},
): Promise<Shown> {
  const { NO_COLOR: _, FORCE_COLOR: __, ...own } = Deno.env.toObject();
  const { code, stdout } = await new Deno.Command("python3", {
    args: ["-c", ON_TERMINAL, `${columns}`, ...command],
    cwd: ROOT,
    clearEnv: true,
    env: { ...own, TERM: "xterm", ...env },
    ...{ stdin: "null", stdout: "piped", stderr: "inherit" } as const,
  }).output();
  const text = new TextDecoder().decode(stdout);
  const lines = text.split("\n").map((line) =>
    line.replace(/\r+$/, "").split("\r").at(-1)!.replace("\x1b[2K", "")
  );
  return { code, text, lines };
}
