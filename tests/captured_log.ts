/** What `work` writes with `console.log`, which is kept from the test's own output meanwhile. */
export async function capturedLog(work: () => Promise<unknown>): Promise<string> {
  const { log } = console;
  let text = "";
  console.log = (...parts: unknown[]) => void (text += `${parts.join(" ")}\n`);
  try {
    await work();
  } finally {
    console.log = log;
  }
  return text;
}
