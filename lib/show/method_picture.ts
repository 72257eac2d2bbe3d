/** The method as an SVG of 960 x 452 pixels: JSFT, self-training, self-rejection (`figures/method.svg`). */
export function methodPicture(): string {
  return Deno.readTextFileSync(new URL("../../figures/method.svg", import.meta.url)).trimEnd();
}
